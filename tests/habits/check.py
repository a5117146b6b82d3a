"""Asks the real packages what they understand of the arguments in cases.json: `python check.py`, with click, fire and
hydra-core installed. The test in tests/command.rs holds the arguments themselves, and needs none of them."""
import argparse
import io
import json
import os
import sys
from contextlib import redirect_stdout

import click
import fire
from hydra import compose, initialize
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf


def kind(value):
    if isinstance(value, list):
        return type(value[0]) if value else str
    return type(value) if value is not None else str


def by_argparse(parameters, arguments):
    parser = argparse.ArgumentParser()
    for name, value in parameters.items():
        if isinstance(value, bool):
            parser.add_argument(f"--{name}", action="store_true")
        elif isinstance(value, list):
            parser.add_argument(f"--{name}", type=kind(value), nargs="*")
        else:
            parser.add_argument(f"--{name}", type=kind(value))
    return vars(parser.parse_args(arguments))


def by_click(parameters, arguments):
    understood = {}
    options = []
    for name, value in parameters.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(click.Option([f"--{flag}/--no-{flag}", name]))
        elif isinstance(value, list):
            options.append(click.Option([f"--{flag}", name], type=kind(value), multiple=True))
        else:
            options.append(click.Option([f"--{flag}", name], type=kind(value)))
    command = click.Command("train", params=options, callback=lambda **found: understood.update(found))
    command.main(arguments, standalone_mode=False)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in understood.items()}


def by_fire(parameters, arguments):
    understood = {}
    with redirect_stdout(io.StringIO()):
        fire.Fire(lambda **found: understood.update(found), command=arguments)
    return understood


def by_hydra(parameters, arguments):
    ConfigStore.instance().store(name="config", node={name: None for name in parameters})
    with initialize(version_base=None, config_path=None):
        return OmegaConf.to_container(compose("config", overrides=arguments), resolve=True)


wrong = 0
with open(os.path.join(os.path.dirname(__file__), "cases.json")) as file:
    cases = json.load(file)
for case in cases["cases"]:
    understood = globals()[f"by_{case['style']}"](cases["parameters"], case["arguments"])
    for name, value in cases["parameters"].items():
        if understood.get(name) != value or type(understood.get(name)) is not type(value):
            wrong += 1
            print(f"{case['style']}: {name} is {understood.get(name)!r}, not {value!r}")
print(f"{len(cases['cases'])} styles, {len(cases['parameters'])} parameters, {wrong} misunderstood")
sys.exit(wrong > 0)
