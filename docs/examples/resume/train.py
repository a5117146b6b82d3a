"""Counts down a loss and leaves a checkpoint every ten steps, as scripts with --load_checkpoint do. Standard library only."""
import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("--logdir", required=True)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--load_checkpoint")
parser.add_argument("--fail_at", type=int, help="end badly at this step, if nothing was loaded")
args = parser.parse_args()

start, loss = 0, 1.0
if args.load_checkpoint:
    with open(args.load_checkpoint) as file:
        start, loss = json.load(file)
os.makedirs(f"{args.logdir}/ckpt", exist_ok=True)
with open(f"{args.logdir}/metrics.jsonl", "a") as log:
    for step in range(start, args.steps):
        loss *= 1 - args.lr
        log.write(json.dumps({"step": step, "loss": loss}) + "\n")
        log.flush()
        if (step + 1) % 10 == 0:
            with open(f"{args.logdir}/ckpt/step-{step + 1}.json", "w") as file:
                json.dump([step + 1, loss], file)
        if step == args.fail_at and not args.load_checkpoint:
            os.abort()
