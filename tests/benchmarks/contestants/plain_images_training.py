"""Train on pictures with a plain PyTorch loop in one process, as a tutorial has it: decode, augment, step, validate.

The same network, pictures, augmentation, optimiser, schedule and batches as ours; torch has all cores.

Usage: plain_training.py ROOT EPOCHS
Prints one JSON object: `auroc` of the best epoch on the tuning pictures.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from tests.benchmarks.labelled_images import AUGMENT, BATCH, RATE, SETTINGS, SHOWN
from workers.images.augment.augmentation import Augmentation
from workers.images.augment.steps import parse_augment
from workers.images.networks import smallcnn


class Pictures(Dataset[tuple[Tensor, Tensor]]):
    """The pictures of one split, decoded each time they are asked for."""

    def __init__(self, root: Path, split: str, *, augment: bool) -> None:
        rows = pl.read_csv(root / "labels.csv").filter(pl.col("split") == split)
        self.paths = [str(root / "pictures" / name) for name in rows["image"]]
        self.truth = rows["spot"].to_list()
        self.chance = np.random.default_rng(0)
        self.augment = Augmentation(parse_augment(AUGMENT), "binary") if augment else None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        image = cv2.imread(self.paths[place], cv2.IMREAD_UNCHANGED)
        image = cv2.resize(image, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA)
        if self.augment is not None:
            (image,), _ = self.augment([image], np.zeros((1, 1)), self.chance)
        pixels = torch.from_numpy(image.astype(np.float32) / 255)[None]
        return pixels, torch.tensor([float(self.truth[place])])


def main() -> None:
    """Fit and tell."""
    root, epochs = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    train = DataLoader(Pictures(root, "train", augment=True), batch_size=BATCH, shuffle=True)
    tuning = DataLoader(Pictures(root, "tuning", augment=False), batch_size=BATCH)
    network = smallcnn.build(smallcnn.Config(in_channels=1, num_outputs=1, **SETTINGS))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    steps = epochs * len(train)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / (0.05 * steps)) * (1 + math.cos(math.pi * step / steps)) / 2
    )
    loss = nn.BCEWithLogitsLoss()
    best = 0.0
    for _ in range(epochs):
        network.train()
        for images, truth in train:
            optimiser.zero_grad()
            loss(network(images), truth).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            logits = torch.cat([network(images) for images, _ in tuning])
        best = max(best, float(roc_auc_score(tuning.dataset.truth, logits.numpy().ravel())))
    print(json.dumps({"auroc": best}))


if __name__ == "__main__":
    main()
