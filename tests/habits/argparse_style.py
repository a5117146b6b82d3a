"""A script in argparse's habits; says what it understood."""
import argparse
import json

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, required=True)
parser.add_argument("--method", required=True)
parser.add_argument("--whiten", action="store_true")
parser.add_argument("--augment", action="store_true")
parser.add_argument("--sizes", type=int, nargs="+", required=True)
parser.add_argument("--limit", type=int)
parser.add_argument("--random_seed", type=int, required=True)
print(json.dumps(vars(parser.parse_args())))
