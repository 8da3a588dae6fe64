"""The pictures on which trainings are timed: textured PNG files of 256 x 256 pixels, half with a bright spot."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import polars as pl

from tests.benchmarks.images import SIDE, textures, varied

SHOWN = 64
"""Rows and columns that the network is shown."""
SPOT = 6.0
"""Its size, as the sigma of a Gaussian, in pixels of the file."""
BATCH = 32
RATE = 1e-3
SETTINGS = {"channels": [16, 32, 64], "strides": [2, 2, 2]}
"""What the network smallcnn is built with."""
AUGMENT = ["flip", {"rotate": {"degrees": 10}}, {"shift": {"rows": 0.1, "columns": 0.1}}]


@dataclass(frozen=True)
class Labelled:
    """`root` has `pictures/` and `labels.csv`: image, spot, split."""

    root: Path
    train: int
    tuning: int

    @property
    def labels(self) -> Path:
        """The table of what is true."""
        return self.root / "labels.csv"


def labelled(folder: Path, images: int) -> Labelled:
    """So many pictures, every sixth of them for tuning; made once and kept in `folder`."""
    root = folder / f"labelled-{images}"
    tuning = sum(number % 6 == 5 for number in range(images))
    made = Labelled(root, images - tuning, tuning)
    if root.is_dir():
        return made
    part = folder / f"{root.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    (part / "pictures").mkdir(parents=True)
    chance = np.random.default_rng(0)
    given = textures(chance, SIDE)
    rows = []
    for number in range(images):
        truth = int(chance.random() < 0.5)
        image = varied(given[number % len(given)], chance)
        if truth:
            image = cv2.add(image, _spot(chance))
        name = f"{number:05d}.png"
        cv2.imwrite(str(part / "pictures" / name), image)
        rows.append((name, truth, "tuning" if number % 6 == 5 else "train"))
    pl.DataFrame(rows, ["image", "spot", "split"], orient="row").write_csv(part / "labels.csv")
    part.rename(root)
    return made


def _spot(chance: np.random.Generator) -> np.ndarray:
    row, column = chance.uniform(SIDE / 4, 3 * SIDE / 4, 2)
    places = np.arange(SIDE)
    over = np.exp(-((places - row) ** 2) / (2 * SPOT**2))
    across = np.exp(-((places - column) ** 2) / (2 * SPOT**2))
    return np.rint(110 * np.outer(over, across)).astype(np.uint8)
