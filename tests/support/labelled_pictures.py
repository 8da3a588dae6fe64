"""`python -m tests.support.labelled_pictures pneumonia NPZ FOLDER` or `... digits FOLDER`: PNGs and their label table.

What jobs/specs/train-pneumonia.yaml and jobs/specs/train-digits.yaml are trained on: `pictures/*.png` and `labels.csv`
with columns `picture`, `label`, `split`. MedMNIST's files hold `train_images`, `train_labels` and so on.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from jobs.demo.digits import COLUMNS, digits
from workers.images.png import png_of

Row = tuple[str, bytes, int, str]
"""Name, PNG, label, split."""
_SPLITS = {"train": "train", "val": "tuning", "test": "held_out"}


def medmnist(path: Path) -> Iterator[Row]:
    """Images of all splits that the file has."""
    with np.load(path) as found:
        for split, ours in _SPLITS.items():
            if f"{split}_images" in found:
                pairs = zip(found[f"{split}_images"], found[f"{split}_labels"].ravel(), strict=True)
                for place, (image, label) in enumerate(pairs):
                    yield f"{split}-{place:05d}.png", png_of(image), int(label), ours


def write(rows: Iterable[Row], folder: Path) -> int:
    """How many pictures were written."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    count = 0
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for name, body, label, split in rows:
            (folder / "pictures" / name).write_bytes(body)
            table.writerow([name, label, split])
            count += 1
    return count


def main(arguments: list[str]) -> int:
    """Write one of both."""
    rows = medmnist(Path(arguments[1])) if arguments[0] == "pneumonia" else digits()
    print(f"{write(rows, Path(arguments[-1]))} pictures in {arguments[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
