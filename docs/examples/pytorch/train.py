"""Fits a line with SGD and logs to TensorBoard, as many scripts do. It knows nothing of Tessera."""
import argparse

import torch
from torch.utils.tensorboard import SummaryWriter

parser = argparse.ArgumentParser()
parser.add_argument("--logdir", required=True)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--momentum", type=float, default=0.0)
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

torch.manual_seed(args.seed)
x = torch.randn(256, 1)
y = 3 * x + 0.1 * torch.randn(256, 1)
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)

with SummaryWriter(args.logdir) as writer:
    writer.add_text("train_args", str(vars(args)))
    for step in range(args.steps):
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        writer.add_scalar("loss", loss.item(), step)
        if step % 10 == 0:
            writer.add_scalar("slope", model.weight.item(), step)
            writer.add_histogram("residuals", model(x) - y, step)
