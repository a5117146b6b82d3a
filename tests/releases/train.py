"""Made the runs below results/: some finish, some diverge, some go on from a checkpoint, some fail."""
import argparse
import json
import sys

import tessera

parser = argparse.ArgumentParser()
parser.add_argument("--method")
parser.add_argument("--lr", type=float)
parser.add_argument("--whiten", action="store_true")
parser.add_argument("--sizes", type=int, nargs="+")
parser.add_argument("--seed", type=int)
parser.add_argument("--checkpoint")
args = parser.parse_args()

start = json.load(open(args.checkpoint)) if args.checkpoint else 0
for step in range(start, 20):
    kl = 10 + args.seed / 4 + step * args.lr
    if args.method == "two_losses" and args.lr == 0.1 and step == 7:
        kl = float("nan")
    tessera.log(step, {"terms/KL": kl}, loss=-kl / 2)
    if step % 10 == 9:
        tessera.array("kernels", [[step, step + 0.5], [args.lr, -1]], step + 1)
        path = f"{tessera.os.environ['TESSERA_RUN_DIR']}/at-{step + 1}.json"
        with open(path, "w") as file:
            json.dump(step + 1, file)
        tessera.checkpoint(path, step + 1)
    if args.method == "gamma" and args.lr == 0.1 and step == 12 and not args.checkpoint:
        sys.exit("it fails once")
    if args.method == "none" and args.lr == 0.01 and step == 3:
        sys.exit("it fails always")
