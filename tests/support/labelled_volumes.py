"""Volumes of two spots in noise with their label maps, as NIfTI."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

SHAPES = [(12, 14, 10), (14, 12, 12), (13, 12, 11)]


def write_volume(folder: Path, name: str, seed: int, turned: bool = False) -> None:
    """`images/NAME.nii.gz` and `labels/NAME.nii.gz`; `turned`: the image is stored from right to left."""
    chance = np.random.default_rng(seed)
    shape = SHAPES[seed % len(SHAPES)]
    at = np.stack(np.meshgrid(*(np.arange(side) for side in shape), indexing="ij"), -1)
    middle = chance.uniform(4, np.array(shape) - 4)
    inside = np.linalg.norm(at - middle, axis=-1) <= 4.5
    labels = (inside * (1 + (at[..., 0] > middle[0]))).astype(np.uint8)
    values = (labels.astype(np.float64) * 300 + chance.normal(1000, 50, shape)).astype(np.int16)
    affine = np.diag([1.0, 1.0, 1.5, 1.0])
    save(folder / "labels" / f"{name}.nii.gz", labels, affine)
    if turned:
        affine = affine @ np.array([[-1.0, 0, 0, shape[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        values = values[::-1]
    save(folder / "images" / f"{name}.nii.gz", values, affine)


def save(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    """A NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(values), affine), path)
