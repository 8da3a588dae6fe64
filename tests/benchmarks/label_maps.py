"""Hold the label maps of one contestant to those of another."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

LEAST_DICE = 0.999

Counts = np.ndarray
"""(labels, labels): voxels by the label of one and of the other."""


class WrongMask(Exception):
    """A mask is missing, lies on another grid, or marks something else."""


def counted(one: Path, other: Path, labels: int) -> Counts:
    """Voxels of two label maps by both labels. Raises WrongMask where their grids differ."""
    (first, grid), (second, other_grid) = _read(one), _read(other)
    if first.shape != second.shape or not np.allclose(grid, other_grid, atol=1e-3):
        raise WrongMask(f"{one} and {other} lie on different grids: {first.shape} and {second.shape}")
    both = first.ravel().astype(np.int64) * labels + second.ravel()
    return np.bincount(both, minlength=labels**2).reshape(labels, labels)


def least_dice(counts: Iterable[Counts]) -> float:
    """The lowest Dice of any label but the background, over the voxels of all cases together. Raises WrongMask where
    nothing at all is marked, or where it is too low."""
    total = np.sum(list(counts), axis=0)
    sizes = total.sum(0) + total.sum(1)
    scores = [2 * total[label, label] / size for label, size in enumerate(sizes) if label and size]
    if not scores:
        raise WrongMask("nothing is marked in any case")
    worst = float(min(scores))
    if not worst > LEAST_DICE:
        raise WrongMask(f"label maps agree with a Dice of {worst:.5f} only, wanted is more than {LEAST_DICE}")
    return worst


def _read(path: Path) -> tuple[Any, Any]:
    if not path.is_file():
        raise WrongMask(f"{path} is not there")
    image = nibabel.load(path)
    return np.rint(np.asanyarray(image.dataobj)).astype(np.uint8), image.affine
