import fire
def train(lr=1e-3, batch_size=64, optimizer="adam", sizes=(64, 32), whiten=False, warmup=None, seed=0, log_dir="runs"):
    """Trains a network.

    Args:
        lr: Learning rate.
        batch_size: Images a step.
    """
fire.Fire(train)
