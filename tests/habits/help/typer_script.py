import typer, enum
class O(str, enum.Enum):
    sgd="sgd"; adam="adam"
def main(lr: float = 1e-3, batch_size: int = 64, optimizer: O = O.adam, whiten: bool = False, label: str = "first", seed: int = 0, out_dir: str = "out"):
    """Train a network."""
typer.run(main)
