"""A CT of a phantom with a tilted gantry, as a scanner wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from monai.transforms import Orientation, Spacing

from tests.support.made_volumes import of_monai
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.slabs import LabelSlabs
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume

SERIES = Path(__file__).parents[6] / "shared/data/ct-tilted"
pytestmark = pytest.mark.skipif(not SERIES.is_dir(), reason="the tilted CT is not there: ../shared/data")


@pytest.fixture(scope="module")
def tilted() -> Volume:
    """Every fourth column and row of the series."""
    slices = sorted((pydicom.dcmread(path) for path in SERIES.iterdir()), key=lambda one: float(one.InstanceNumber))
    first, last = (np.array(one.ImagePositionPatient, float) for one in (slices[0], slices[-1]))
    along, down = np.array(slices[0].ImageOrientationPatient, float).reshape(2, 3)
    rows, columns = map(float, slices[0].PixelSpacing)
    affine = np.eye(4)
    affine[:3] = np.array([along * columns * 4, down * rows * 4, (last - first) / (len(slices) - 1), first]).T
    affine[:2] *= -1
    voxels: Any = np.stack([one.pixel_array[::4, ::4].T * one.RescaleSlope + one.RescaleIntercept for one in slices], 2)
    return Volume(voxels[None].astype(np.int16), Grid(voxels.shape, affine))


STEPS = ["orient", {"resample": {"spacing": [1.5, 1.5, 1.5]}}]


def test_it_is_straightened_as_monai_straightens_it(tilted: Volume) -> None:
    slanted = abs(np.dot(tilted.grid.affine[:3, 1], tilted.grid.affine[:3, 2]))
    assert slanted > 0.1
    seen = Spacing((1.5, 1.5, 1.5))(Orientation("RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))(of_monai(tilted)))
    ours = prepared(parse_steps(STEPS), tilted)
    np.testing.assert_allclose(ours.voxels, seen.numpy(), atol=1e-5 * np.ptp(tilted.voxels))
    np.testing.assert_allclose(ours.grid.affine, seen.affine.numpy(), atol=1e-9)


@pytest.mark.parametrize("axis", [0, 2])
def test_its_mask_returns_on_the_slices_that_were_read(tilted: Volume, axis: int) -> None:
    ours = prepared(parse_steps(STEPS), tilted)
    dense = torch.from_numpy(ours.voxels[0]) + 300
    way = LabelSlabs(ours.back, ours.grid, Decision("labels", (0, 1), (0, 1)), axis=axis)
    slabs = [slab for part in torch.stack([-dense, dense]).split(8, 1 + axis) for slab in way.feed(part)]
    slabs += way.finish()
    slabs.sort(key=lambda slab: slab.start)
    labels = np.concatenate([slab.labels for slab in slabs], way.along) > 0
    truth = tilted.voxels[0] > -300
    assert labels.shape == truth.shape
    assert 2 * (labels & truth).sum() / (labels.sum() + truth.sum()) > 0.97
    each = 2 * (labels & truth).sum((0, 1)) / (labels.sum((0, 1)) + truth.sum((0, 1)))
    assert each.min() > 0.95
    shifted = np.roll(labels, 1, axis=2)
    assert 2 * (shifted & truth).sum() / (labels.sum() + truth.sum()) < 0.97
