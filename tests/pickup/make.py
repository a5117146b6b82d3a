"""Makes the fixtures beside this file: event files written by PyTorch's SummaryWriter, and `expected.json`, what
TensorBoard's own reader (size guidance 0) gives for them, by folder and file, in reading order.

    python make.py            needs torch, tensorboard, numpy
"""
import glob, json, os, shutil, struct, sys
import numpy as np, torch
from tensorboard.backend.event_processing import event_accumulator as ea
from tensorboard.util import tensor_util
from torch.utils.tensorboard import SummaryWriter

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "runs")
shutil.rmtree(root, ignore_errors=True)
rng = np.random.default_rng(0)


def writer(name, **more):
    return SummaryWriter(os.path.join(root, name), filename_suffix=".fixture", **more)


with writer("mixed") as w:  # numbers among pictures, histograms and texts; a value given twice; not finite ones
    w.add_text("train_args", "learning_rate: 0.01")
    for step in range(0, 40):
        w.add_scalar("terms/KL", rng.normal(), step)
        w.add_scalar("loss", float(1 / (step + 1)), step)
        if step % 10 == 0:
            w.add_scalar("loss", -float(step), step)
            w.add_histogram("rates", rng.normal(size=100), step)
            w.add_image("picture", rng.uniform(size=(3, 8, 8)), step)
            w.add_scalar("val", [np.nan, np.inf, -np.inf, 1e-30][step // 10], step)
    w.add_scalar("typed", rng.normal(), 7, new_style=True)
    w.add_scalar("double", 0.1, 7, new_style=True, double_precision=True)
    w.add_scalars("both", {"train": 1.5, "eval": 2.5}, 3)
    w.add_hparams({"lr": 0.1, "method": "lagrange", "whiten": True}, {"accuracy": 0.5}, run_name="hparams")
with writer("restarted") as w:
    for step in range(0, 60, 2):
        w.add_scalar("loss", step + 0.5, step)
        w.add_scalar("early", step, step)
with writer("restarted") as w:  # counts anew from 31
    for step in range(31, 80, 3):
        w.add_scalar("loss", -step, step)
with writer("purged") as w:
    for step in range(20):
        w.add_scalar("loss", step, step)
        w.add_scalar("other", step, step)
with writer("purged", purge_step=12) as w:
    for step in range(12, 25):
        w.add_scalar("loss", 100 + step, step)

# Names with the time in them differ each time: numbered ones keep the order.
expected = {}
for folder, _, names in sorted(os.walk(root)):
    names = sorted(n for n in names if "tfevents" in n)
    for i, name in enumerate(names):
        os.rename(os.path.join(folder, name), os.path.join(folder, f"events.out.tfevents.{i}"))
    if not names:
        continue

    def scalars(path):
        acc = ea.EventAccumulator(path, size_guidance={"scalars": 0, "tensors": 0, "images": 1, "histograms": 1})
        acc.Reload()
        out = {t: [[e.step, repr(e.value)] for e in acc.Scalars(t)] for t in acc.Tags()["scalars"]}
        for t in acc.Tags()["tensors"]:
            if acc.SummaryMetadata(t).plugin_data.plugin_name in ("scalars", ""):
                out[t] = [[e.step, repr(float(tensor_util.make_ndarray(e.tensor_proto)))] for e in acc.Tensors(t)]
        return out

    expected[os.path.relpath(folder, root)] = {
        "folder": scalars(folder),
        "files": [scalars(os.path.join(folder, f"events.out.tfevents.{i}")) for i in range(len(names))],
    }
json.dump(expected, open(os.path.join(here, "expected.json"), "w"), indent=0, sort_keys=True)
