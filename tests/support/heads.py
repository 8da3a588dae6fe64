"""`python -m tests.support.heads FOLDER [--heads 64]`: made heads to learn brain extraction from, a real one to try it.

`FOLDER/made/images/` and `labels/`: heads with MNI152's brain (1 in the label maps). `FOLDER/real/images/`: Colin27 as
Debian packages it, the same bytes, and turned by 20 degrees about each axis; `ch2bet/` and `ch2better/` beside it: what
the two extractions that come with it left of each, as label maps; `labels.csv`: the three together. jobs/specs/ has
train-brain.yaml, predict-brain.yaml and evaluate-brain.yaml for them. It also says how far a brain of MNI152 that is
laid over Colin27 without any network agrees with the extractions, and these with each other.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from itertools import combinations
from pathlib import Path

import nibabel
import numpy as np
from nibabel.processing import resample_from_to
from scipy.ndimage import affine_transform

from tests.support.head_files import colin, read_colin, read_maps
from tests.support.labelled_volumes import save
from tests.support.made_heads import STEP, enclosed, made_head, template_of, turn

REFERENCES = ("ch2bet", "ch2better")
RECORDS = ("ch2.nii.gz", "ch2-turned.nii.gz")
_DEGREES = (20.0, -20.0, 20.0)
_MARGIN = 25
"""Voxels around the head before it is turned."""


def write_made(folder: Path, heads: int) -> None:
    """So many heads with their brains."""
    template = template_of(*read_maps())
    for number in range(heads):
        head = made_head(template, number)
        for place, values in (("images", head.voxels), ("labels", head.brain)):
            save(folder / place / f"made-{number:03d}.nii.gz", values, np.diag([STEP, STEP, STEP, 1]))


def write_real(folder: Path) -> None:
    """Colin27 as it is and turned, and what belongs to it."""
    head = read_colin()
    (folder / "images").mkdir(parents=True, exist_ok=True)
    source = colin()
    assert source is not None
    shutil.copy(source, folder / "images" / "ch2.nii.gz")
    voxels = np.asanyarray(head.dataobj)
    grid = _wider(head)
    save(folder / "images" / "ch2-turned.nii.gz", np.round(_turned(voxels)).astype(np.uint8), grid)
    for name in REFERENCES:
        brain = extraction(name)
        save(folder / name / "ch2.nii.gz", brain.astype(np.uint8), head.affine)
        save(folder / name / "ch2-turned.nii.gz", (_turned(brain) > 0.5).astype(np.uint8), grid)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["record_id", "pose", *REFERENCES])
        for record, pose in zip(RECORDS, ("as it is", "turned"), strict=True):
            table.writerow([record, pose, *(f"{name}/{record}" for name in REFERENCES)])


def extraction(name: str) -> np.ndarray:
    """What is not 0 there, bool on the grid of `ch2`."""
    found, head = read_colin(name), read_colin()
    inside = nibabel.Nifti1Image((np.asanyarray(found.dataobj) > 0).astype(np.float32), found.affine)
    return np.asanyarray(resample_from_to(inside, head, order=1).dataobj) > 0.5


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Twice what both have, by what each has."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def laid_over(like: nibabel.Nifti1Image) -> np.ndarray:
    """The brain of MNI152 on this grid, bool: `ch2` is in the same coordinates, so that there it is no bad guess."""
    grey, white, affine = read_maps()
    brain = nibabel.Nifti1Image(enclosed(grey + white), affine)
    return np.asanyarray(resample_from_to(brain, like, order=1).dataobj) > 0.5


def _wider(head: nibabel.Nifti1Image) -> np.ndarray:
    affine = head.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, _MARGIN)
    return affine


def _turned(values: np.ndarray) -> np.ndarray:
    """Turned about its middle, float32 with a margin: trilinear, 0 where the scan ends."""
    wide = np.pad(values.astype(np.float32), _MARGIN)
    matrix, middle = turn(_DEGREES), (np.array(wide.shape) - 1) / 2
    return np.asarray(affine_transform(wide, matrix, middle - matrix @ middle, order=1))


def main() -> None:
    """Write it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--heads", type=int, default=64)
    given = parser.parse_args()
    write_made(given.folder / "made", given.heads)
    write_real(given.folder / "real")
    for record in RECORDS:
        bet, better = (nibabel.load(given.folder / "real" / name / record) for name in REFERENCES)
        brains = {"ch2bet": _inside(bet), "ch2better": _inside(better), "MNI152's": laid_over(bet)}
        print(record, {name: f"{one.sum() / 1000:.0f} ml" for name, one in brains.items()})
        for one, other in combinations(brains, 2):
            print(f"  Dice of {one} and {other} brain: {dice(brains[one], brains[other]):.3f}")


def _inside(labels: nibabel.Nifti1Image) -> np.ndarray:
    return np.asanyarray(labels.dataobj) > 0


if __name__ == "__main__":
    main()
