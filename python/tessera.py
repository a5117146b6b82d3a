"""Tells Tessera a run's numbers, arrays and checkpoints. One file, standard library only; copy it beside your script.

    import tessera
    tessera.log(step, loss=0.1)                          # or tessera.log(step, {"terms/KL": kl})
    tessera.array("rates", rates, step)                  # nested lists, NumPy, torch, JAX
    tessera.checkpoint("ckpt/step-100.pt", step)         # after the file is written
    path, step = tessera.resume() or (None, 0)

Nothing is written where TESSERA_RUN_DIR is not set, so the script runs without Tessera as it is.
"""

import array as _array
import json
import os
import sys
import time


def log(step, numbers=None, /, **more):
    """Records numbers of a step: steps done so far."""
    metrics = {name: float(value) for name, value in {**(numbers or {}), **more}.items()}
    _say(event="history", step=int(step), time=time.time(), metrics=metrics)


def array(name, values, step):
    """Records a tensor of numbers (as 32-bit floats) at a step."""
    folder = os.environ.get("TESSERA_RUN_DIR")
    if not folder:
        return
    if hasattr(values, "detach"):
        values = values.detach()
    values = values.tolist() if hasattr(values, "tolist") else values
    shape, rows = [], values
    while isinstance(rows, (list, tuple)):
        shape.append(len(rows))
        rows = rows[0] if rows else None
    flat = _array.array("f", _flat(values))
    if sys.byteorder == "big":
        flat.byteswap()
    # safetensors: the header's length, the header, the numbers.
    header = json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * len(flat)]}}).encode()
    plain = "".join(c if c.isalnum() else "_" for c in name)
    file = f"arrays-{int(step)}-{plain}-{time.monotonic_ns()}.safetensors"
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, file), "xb") as out:
        out.write(len(header).to_bytes(8, "little") + header + flat.tobytes())
    _say(event="arrays", step=int(step), file=file)


def checkpoint(path, step):
    """Says that a checkpoint was written; a path from the run's folder or an absolute one."""
    _say(event="checkpoint", step=int(step), file=os.fspath(path))


def resume():
    """The checkpoint to go on from and its step, or None."""
    path = os.environ.get("TESSERA_CHECKPOINT")
    return (path, int(os.environ.get("TESSERA_STEP", "0"))) if path else None


def _flat(values):
    if not isinstance(values, (list, tuple)):
        yield values
    else:
        for row in values:
            yield from _flat(row)


def _say(**event):
    folder = os.environ.get("TESSERA_RUN_DIR")
    if folder:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "events.jsonl"), "a", encoding="utf-8") as out:
            out.write(json.dumps(event) + "\n")
