"""The same voxels under other axes, held against nibabel's reorientation."""

from __future__ import annotations

import itertools

import nibabel
import numpy as np
import pytest

from schemas.errors import RecordError
from workers.images.volumes.turned import turned
from workers.images.volumes.volume import Grid

SHAPE = (4, 5, 6)
AFFINE = np.array([[2.0, 0.1, 0, -7], [-0.1, 1.5, 0.2, 3], [0, 0.1, 3, 11], [0, 0, 0, 1]])
VALUES = np.arange(4 * 5 * 6, dtype=np.int32).reshape(SHAPE)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", list(itertools.product((1, -1), repeat=3)))
def test_every_order_and_direction_of_axes_comes_back(order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    other = nibabel.Nifti1Image(VALUES, AFFINE).as_reoriented(np.column_stack([order, flips]))
    found = turned(np.asarray(other.dataobj), Grid(other.shape, other.affine), Grid(SHAPE, AFFINE), "it")
    assert np.array_equal(found, VALUES)


def test_rounded_headers_pass_and_a_shift_does_not() -> None:
    near, far = AFFINE.copy(), AFFINE.copy()
    near[:3] = near[:3].astype(np.float32)
    near[0, 3] += 0.01
    far[0, 3] += 2
    assert np.array_equal(turned(VALUES, Grid(SHAPE, near), Grid(SHAPE, AFFINE), "it"), VALUES)
    with pytest.raises(RecordError, match="lies 2 mm away from the volume"):
        turned(VALUES, Grid(SHAPE, far), Grid(SHAPE, AFFINE), "it")


def test_other_voxels_are_refused() -> None:
    with pytest.raises(RecordError, match="it has 4 x 5 x 6 voxels, and the volume 4 x 5 x 7"):
        turned(VALUES, Grid(SHAPE, AFFINE), Grid((4, 5, 7), AFFINE), "it")
    with pytest.raises(RecordError, match="it has 40 x 50 x 60 voxels, and the volume 4 x 5 x 6"):
        turned(np.zeros((40, 50, 60), np.int32), Grid((40, 50, 60), AFFINE), Grid(SHAPE, AFFINE), "it")
    double = AFFINE @ np.diag([2.0, 2, 2, 1])
    with pytest.raises(RecordError, match="another grid"):
        turned(VALUES, Grid(SHAPE, AFFINE), Grid((2, 3, 3), double), "it")
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]
    with pytest.raises(RecordError) as raised:
        turned(VALUES, Grid(SHAPE, AFFINE @ turn), Grid(SHAPE, AFFINE), "it")
    assert raised.value.status == "out_of_contract"
