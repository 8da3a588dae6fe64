"""Previews: planes hung as radiologists do, in millimetres, with the outlines of all structures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.marked_volumes import affine, card, marked, origin, planted, tilted, turns
from workers.images.volumes.outputs.colours import colour_of
from workers.images.volumes.outputs.columns import values_of
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.settings import Wanted
from workers.images.volumes.volume import Grid

ONE = card(("liver",))


def picture(volume: Marked) -> NDArray[np.uint8]:
    body = values_of(ONE, Wanted(masks=("preview",)), volume, origin(volume.grid.shape[2]))["mask_preview"]
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def body_with_a_lamp() -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.float64]]:
    """A cube of 2 cm whose voxels are brightest to the patient's left, back and top, and a structure in its middle."""
    at = np.diag([-1.0, -1.0, 1.0, 1.0])
    i, j, k = np.indices((20, 20, 20))
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[8:12, 8:12, 8:12] = 1
    return (100 * (i > 9) + 200 * (j > 9) + 400 * (k > 9)).astype(np.int16), labels, at


@pytest.mark.parametrize("turn", turns()[::5])
def test_planes_hang_the_same_however_the_volume_lies(turn: NDArray[np.float64]) -> None:
    intensities, labels, at = body_with_a_lamp()
    first = picture(Marked(Grid(labels.shape, at), intensities, labels))
    # The same body on a grid that is turned: voxel p of the old is voxel inverse(p) of the new.
    change = np.linalg.inv(turn @ np.diag([1.0, 1.0, 1.0])) @ at[:3, :3]
    axes = np.argmax(np.abs(change), axis=1)
    flips = [slice(None, None, int(change[row, axes[row]])) for row in range(3)]
    moved = np.eye(4)
    moved[:3, :3] = turn
    corner = np.array([0 if step.step > 0 else 19 for step in flips])
    origin_of = np.zeros(3)
    origin_of[axes] = corner
    moved[:3, 3] = at[:3, :3] @ origin_of
    other = Marked(
        Grid(labels.shape, moved), intensities.transpose(axes)[tuple(flips)], labels.transpose(axes)[tuple(flips)]
    )
    # The centroid lies between two voxels, and which of them is nearer depends on the way they are counted.
    assert np.abs(picture(other).astype(int) - first).mean() < 12


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
        drawn = np.argwhere((tile == colour_of(1)).all(axis=2)) / tile.shape[0] * 20
        assert drawn.min() == pytest.approx(8, abs=0.2)
        assert drawn.max() == pytest.approx(12, abs=0.2)


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
