from dataclasses import dataclass
from simple_parsing import ArgumentParser
@dataclass
class Model:
    """The network."""
    depth: int = 3  # how many layers
    whiten: bool = False  # whiten the images
@dataclass
class Training:
    """How it is trained."""
    lr: float = 1e-3  # learning rate
    label: str = "first"  # a label
    seed: int = 0
    out_dir: str = "runs"
p = ArgumentParser()
p.add_arguments(Model, dest="model")
p.add_arguments(Training, dest="training")
p.parse_args()
