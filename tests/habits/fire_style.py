"""A script in Fire's habits, values as Python literals (with Fire itself where it is installed); says what it understood."""
import ast
import json
import sys


def main(**options):
    print(json.dumps(options))


try:
    import fire
except ImportError:

    def literal(text):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text

    main(**{k.removeprefix("--"): literal(v) for k, v in (word.split("=", 1) for word in sys.argv[1:])})
else:
    fire.Fire(main)
