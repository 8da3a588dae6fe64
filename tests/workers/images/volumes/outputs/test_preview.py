"""Previews: planes hung as radiologists do, in millimetres, with the outlines of all structures."""

from __future__ import annotations

import cv2
import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.marked_volumes import affine, card, marked, origin, planted, tilted, turns
from workers.images.volumes.outputs.colours import colour_of
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.settings import Wanted
from workers.images.volumes.outputs.values import values_of
from workers.images.volumes.volume import Grid

ONE = card(("liver",))


def picture(volume: Marked) -> NDArray[np.uint8]:
    body = values_of(ONE, Wanted(masks=("preview",)), volume, origin(volume.grid.shape[2])).values["mask_preview"]
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def body_with_a_lamp() -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.float64]]:
    """A cube of 21 mm whose voxels are brightest to the patient's left, back and top, and a structure in its middle."""
    at = np.diag([-1.0, -1.0, 1.0, 1.0])
    i, j, k = np.indices((21, 21, 21))
    labels = np.zeros((21, 21, 21), np.uint8)
    labels[8:13, 8:13, 8:13] = 1
    return (100 * (i > 10) + 200 * (j > 10) + 400 * (k > 10)).astype(np.int16), labels, at


@pytest.mark.parametrize("number", range(0, 48, 5))
def test_planes_hang_the_same_however_the_volume_lies(number: int) -> None:
    intensities, labels, at = body_with_a_lamp()
    first = picture(Marked(Grid(labels.shape, at), intensities, labels))
    turn = nib.orientations.io_orientation(np.linalg.inv(affine(turns()[number], (1, 1, 1))))
    moved = [nib.Nifti1Image(array, at).as_reoriented(turn) for array in (intensities, labels)]
    grid = Grid(labels.shape, moved[0].affine)
    assert number == 0 or not np.array_equal(grid.affine, at)
    turned = picture(Marked(grid, np.asarray(moved[0].dataobj), np.asarray(moved[1].dataobj)))
    assert np.array_equal(turned, first)


def test_right_is_left_front_and_head_are_on_top() -> None:
    intensities, labels, at = body_with_a_lamp()
    axial, coronal, sagittal = np.split(picture(Marked(Grid(labels.shape, at), intensities, labels)), 3, axis=1)
    size = axial.shape[0]
    corner, far = (slice(0, size // 4),) * 2, (slice(-size // 4, None),) * 2
    for tile, brighter in ((axial, "far"), (coronal, "head"), (sagittal, "head")):
        left_top, right_low = tile[corner].mean(), tile[far].mean()
        assert (right_low > left_top) == (brighter == "far")
    right_top = (slice(0, size // 4), slice(-size // 4, None))
    assert coronal[right_top].mean() > coronal[corner].mean()
    assert sagittal[right_top].mean() > sagittal[corner].mean()


def test_the_outline_is_drawn_in_the_colour_of_the_structure_around_its_place() -> None:
    intensities, labels, at = body_with_a_lamp()
    for tile in np.split(picture(Marked(Grid(labels.shape, at), intensities, labels)), 3, axis=1):
        drawn = np.argwhere((tile == colour_of(1)).all(axis=2)) / tile.shape[0] * 21
        assert drawn.min() == pytest.approx(8, abs=0.2)
        assert drawn.max() == pytest.approx(13, abs=0.2)


@pytest.mark.parametrize("value", [np.nan, np.inf, 7.0])
def test_odd_intensities_nothing_marked_and_shears_have_a_preview_too(value: float) -> None:
    labels = planted(count=1)
    for marks in (labels, np.zeros_like(labels)):
        volume = marked(marks, tilted())
        picture(Marked(volume.grid, np.full(labels.shape, value), marks))
        picture(Marked(volume.grid, np.where(labels == 0, value, 3.0), marks))


def test_pixels_are_as_wide_as_the_voxels_are() -> None:
    labels = planted(shape=(10, 20, 30), count=1)
    volume = marked(labels, affine(np.diag([-1.0, -1.0, 1.0]), (2.0, 1.0, 0.5)))
    height, width, _ = picture(volume).shape
    # 20 x 20 mm, 20 x 15 mm, 20 x 15 mm.
    assert (height, width) == (384, 3 * 384)
