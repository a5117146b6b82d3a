"""The lab's training step in PyTorch: the reference that `tessera-lab bench` is held against on the same device.

Written from the formulas of tests/golden/README.md in the order in which a script writes them down: responses, one pair of
covariance matrices an image, Cholesky of each, the loss, one backward pass through all of it, clipping, the optimizer,
columns of W to length 1. Nothing is recorded meanwhile, which is to the reference's advantage.

    python reference_step.py --check tests/golden            is it the lab's step? (method Lagrange, free kernels)
    python reference_step.py --device cuda --steps 20        seconds a step, phases, peak memory
"""
import argparse
import json
import math
import pathlib
import statistics
import struct
import time

import torch

SIZES = [(100, 18, 1), (300, 18, 3)]  # J, K, colours
BATCH = 128
CLIP = 20.0


class Step:
    """Lagrange: everything descends beta*kl + Lambda*h + rho/2*|h|^2, Lambda ascends. Free kernels W [L*K*K, J]."""

    def __init__(self, start, covariance, like, *, input_noise, output_noise, beta, rho, target, rate, nonlinearity, adam):
        leaf = lambda tensor: tensor.to(**like).clone().requires_grad_()
        self.W, self.logA, self.logB, self.Lambda = (leaf(tensor) for tensor in start)
        self.parameters = [self.W, self.logA, self.logB, self.Lambda]
        self.covariance = covariance.to(**like)
        self.input_noise, self.output_noise = input_noise, output_noise
        self.beta, self.rho, self.target, self.nonlinearity = beta, rho, target, nonlinearity
        self.optimizer = (torch.optim.Adam if adam else torch.optim.SGD)(self.parameters, lr=rate)

    def forward(self, x, nx):
        """Rates r and gains g, [B, J]."""
        a, b = self.logA.exp(), self.logB.exp()
        u = (x + self.input_noise * nx).flatten(1) @ self.W - b
        if self.nonlinearity == "relu":
            return a * u.relu(), a * (u > 0).to(u.dtype)
        return a * torch.nn.functional.softplus(u, beta=2.5), a * torch.sigmoid(2.5 * u)

    def kl(self, g):
        """[B]: log2 det C_z - log2 det C_zx."""
        pixels, neurons = self.W.shape
        like = {"dtype": g.dtype, "device": g.device}
        input_noise = self.input_noise**2 * torch.eye(pixels, **like)
        output_noise = self.output_noise**2 * torch.eye(neurons, **like)
        G = torch.diag_embed(g)
        log2_det = lambda C: 2 * torch.linalg.cholesky(C).diagonal(dim1=-2, dim2=-1).log2().sum(-1)
        C_zx = G @ (self.W.T @ input_noise @ self.W) @ G + output_noise
        C_z = G @ (self.W.T @ (self.covariance + input_noise) @ self.W) @ G + output_noise
        return log2_det(C_z) - log2_det(C_zx)

    def __call__(self, x, nx, clock=None):
        enter = clock.enter if clock else lambda phase: None
        enter("forward")
        r, g = self.forward(x, nx)
        h = (r - self.target).mean(0)
        enter("log_det")
        kl = self.kl(g).mean()
        enter("backward")
        fr_loss = h.square().sum()
        loss = self.beta * kl + self.Lambda @ h + self.rho / 2 * fr_loss
        self.optimizer.zero_grad()
        loss.backward()
        self.Lambda.grad.neg_()
        enter("optimizer")
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimizer.step()
        with torch.no_grad():
            self.W /= self.W.norm(dim=0)
        enter(None)
        return {"kl": kl, "loss": loss, "fr_loss": fr_loss, "grad_norm": norm}


class Clock:
    """Seconds by phase; waits for the device at each border."""

    def __init__(self, device):
        self.device, self.phase, self.seconds = device, None, {}

    def enter(self, phase):
        wait(self.device)
        now = time.perf_counter()
        if self.phase:
            self.seconds[self.phase] = self.seconds.get(self.phase, 0.0) + now - self.since
        self.phase, self.since = phase, now


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def read(path):
    """The tensors and the metadata of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    kinds = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64}
    body = bytearray(data[8 + length :])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensor = torch.frombuffer(body[begin:end], dtype=kinds[entry["dtype"]]) if end > begin else torch.empty(0)
        tensors[name] = tensor.reshape(entry["shape"])
    return tensors, metadata


def check(folder, device):
    """Trajectories and last parameters of the golden files with this method and free kernels; whether all agree to 1e-9."""
    compared, well = 0, True
    for path in sorted(folder.glob("lagrange_*.safetensors")):
        tensors, about = read(path)
        if about["shape"] != "None":
            continue
        number = lambda name: float(about[name])
        like = {"dtype": torch.float64, "device": device}
        start = [tensors[f"init.{name}"] for name in ("encoder.W", "encoder.logA", "encoder.logB", "Lambda")]
        step = Step(
            start, tensors["data_covariance"], like, input_noise=number("input_noise"), output_noise=number("output_noise"),
            beta=number("beta"), rho=number("rho"), target=number("fr_target"), rate=number("learning_rate"),
            nonlinearity=about["nonlinearity"], adam=about["optimizer"] == "adam",
        )  # fmt: skip
        steps = [step(x.to(**like), nx.to(**like)) for x, nx in zip(tensors["x"], tensors["nx"])]
        found = {f"trajectory.{name}": torch.stack([at[name].detach() for at in steps]) for name in steps[0]}
        found |= {"final.encoder.W": step.W, "final.encoder.logA": step.logA, "final.encoder.logB": step.logB,
                  "final.Lambda": step.Lambda}  # fmt: skip
        error = lambda name: ((found[name].detach().cpu() - tensors[name]).abs().max() / tensors[name].abs().max()).item()
        worst = max(found, key=error)
        compared, well = compared + 1, well and error(worst) <= 1e-9
        print(f"{'pass' if error(worst) <= 1e-9 else 'FAIL'} {path.name}: double {error(worst):.1e} ({worst})")
    if not compared:
        raise SystemExit(f"no golden files of the method Lagrange with free kernels in {folder}")
    return well


def measure(neurons, kernel_size, colors, steps, device):
    """One line: milliseconds a step without waits, by phase with them, and the peak of memory."""
    generator = torch.Generator(device).manual_seed(0)
    like = {"dtype": torch.float32, "device": device}
    pixels = colors * kernel_size**2
    normal = lambda *shape: torch.randn(*shape, generator=generator, **like)
    mixture = normal(pixels, pixels) / math.sqrt(pixels)
    W = normal(pixels, neurons)
    start = [W / W.norm(dim=0), 0.02 * normal(neurons), 0.02 * normal(neurons) - 1, torch.rand(neurons, generator=generator, **like)]
    step = Step(start, mixture @ mixture.T, like, input_noise=0.4, output_noise=3.0, beta=-0.5, rho=1.0, target=1.0,
                rate=0.01, nonlinearity="softplus", adam=False)  # fmt: skip
    draw = lambda: (normal(BATCH, colors, kernel_size**2), normal(BATCH, colors, kernel_size**2))
    for _ in range(2):
        step(*draw())
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    by_phase = []
    for _ in range(min(steps, 10)):
        clock = Clock(device)
        clock.enter("data")
        step(*draw(), clock)
        by_phase.append(clock.seconds)
    wait(device)
    since = time.perf_counter()
    for _ in range(steps):
        result = step(*draw())
    wait(device)
    all_ = (time.perf_counter() - since) / steps
    if not math.isfinite(result["loss"].item()):
        raise SystemExit("the reference's loss is not finite: its time means nothing")
    of = lambda phase: 1e3 * statistics.median(seconds[phase] for seconds in by_phase)
    rest = of("data") + of("forward") + of("optimizer")
    peak = f"{torch.cuda.max_memory_allocated(device) / 2**20:.0f}" if device.type == "cuda" else "-"
    print(f"{neurons:7} {kernel_size:6} {colors:6} {'reference':18} {1e3 * all_:8.1f} {'':7} {of('log_det'):8.1f} "
          f"{of('backward'):9.1f} {rest:6.1f} {'':6} {peak:>9}", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", type=torch.device)
    parser.add_argument("--steps", default=20, type=int, help="steps that are timed at each size")
    parser.add_argument("--threads", default=2, type=int, help="of the CPU")
    parser.add_argument("--tf32", action="store_true", help="let matrix products round to 10 bits (GPU)")
    parser.add_argument("--check", type=pathlib.Path, metavar="DIR", help="compare with golden files instead")
    arguments = parser.parse_args()
    if arguments.steps < 1:
        parser.error("--steps must be 1 or more")
    torch.set_num_threads(arguments.threads)
    torch.backends.cuda.matmul.allow_tf32 = arguments.tf32
    if arguments.check:
        raise SystemExit(0 if check(arguments.check, arguments.device) else 1)
    print(f"torch {torch.__version__}, {arguments.device}, batch {BATCH}, single precision, TF32 {'on' if arguments.tf32 else 'off'}")
    print("neurons kernel colors log_det             ms/step   ratio  log_det  backward   rest  share  peak MiB")
    for size in SIZES:
        measure(*size, arguments.steps, arguments.device)


if __name__ == "__main__":
    main()
