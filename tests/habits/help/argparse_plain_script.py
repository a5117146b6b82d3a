import argparse
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=1e-3)
p.add_argument("--epochs", type=int, default=10, help="passes over the data (default: %(default)s)")
p.add_argument("--momentum", type=float, default=0.9, help="of the optimizer, which keeps a running mean of the gradients (default: %(default)s)")
p.add_argument("--no-cuda", action="store_true", default=False, help="disables CUDA training")
p.add_argument("--gamma", type=float, help="rate of decay (default: the learning rate)")
p.add_argument("--a-very-long-name-of-an-option", type=int, default=3, help="long (default: 3)")
p.parse_args()
