"""A script in click's habits (with click itself where it is installed); says what it understood."""
import json

try:
    import click
except ImportError:
    import argparse

    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--method", required=True)
    parser.add_argument("--whiten", action=argparse.BooleanOptionalAction)
    parser.add_argument("--augment", action=argparse.BooleanOptionalAction)
    parser.add_argument("--sizes", type=int, action="append")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--random-seed", type=int, required=True)
    print(json.dumps(vars(parser.parse_args())))
else:

    @click.command()
    @click.option("--learning-rate", type=float, required=True)
    @click.option("--method", required=True)
    @click.option("--whiten/--no-whiten")
    @click.option("--augment/--no-augment", default=True)
    @click.option("--sizes", type=int, multiple=True)
    @click.option("--limit", type=int)
    @click.option("--random-seed", type=int, required=True)
    def main(**options):
        print(json.dumps(options))

    main()
