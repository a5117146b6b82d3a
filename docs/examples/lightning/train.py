"""Fits a line with Lightning. It knows nothing of Tessera: its CSVLogger writes {run.dir}/metrics.csv."""
import argparse

import lightning as L
import torch
from lightning.pytorch.loggers import CSVLogger

parser = argparse.ArgumentParser()
parser.add_argument("--logdir", required=True)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


class Line(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)

    def training_step(self, batch, _):
        x, y = batch
        loss = (self.line(x) - y).square().mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=args.lr)


L.seed_everything(args.seed)
x = torch.randn(256, 1)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, 3 * x + 0.1 * torch.randn(256, 1)), batch_size=32)
logger = CSVLogger(args.logdir, name="", version="")
trainer = L.Trainer(max_epochs=args.epochs, logger=logger, log_every_n_steps=1, accelerator="cpu",
                    enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
trainer.fit(Line(), data)
