"""Takes memory of a GPU for some seconds: a foreign process, or a trainer whose need is known.

With `--device cpu` it writes what it would take into the folder FAKE_GPU, which benches/fake_nvml.c shows as a GPU.
"""
import argparse
import os
import pathlib
import sys
import time

TOTAL = 80 << 30  # bytes of the GPU of fake_nvml.c


def take_fake(size):
    """Writes the size down, unless those who are alive have too much of the GPU."""
    folder = pathlib.Path(os.environ["FAKE_GPU"])
    alive = [file for file in folder.iterdir() if pathlib.Path("/proc", file.name).exists()]
    if sum(int(file.read_text() or 0) for file in alive) + size > TOTAL:
        sys.exit(f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {size / 2**30:.2f} GiB.")
    (folder / str(os.getpid())).write_text(str(size))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True)
    parser.add_argument("--mib", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--dir", type=pathlib.Path, help="where metrics.csv goes; none: no metrics")
    arguments = parser.parse_args()
    size = arguments.mib << 20
    if arguments.device == "cpu":
        take_fake(size)
    else:
        import torch

        held = torch.zeros(size, dtype=torch.uint8, device="cuda")
        torch.cuda.synchronize()
    print(f"holds {arguments.mib} MiB", flush=True)
    if arguments.dir:
        (arguments.dir / "metrics.csv").write_text(f"step,held\n0,{arguments.mib}\n")
    time.sleep(arguments.seconds)


if __name__ == "__main__":
    main()
