"""Outlines of masks in a slice: by every rule of filling they give the mask back, with its very area."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import Polygon
from skimage.measure import grid_points_in_poly

from workers.images.volumes.outputs.contours import outlines


def area(polygon: NDArray[np.float64]) -> float:
    after = np.roll(polygon, -1, axis=0)
    return 0.5 * float((polygon[:, 1] * after[:, 0] - after[:, 1] * polygon[:, 0]).sum())


def filled(polygons: list[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """By scikit-image, centre by centre; polygons that hold a centre an odd number of times."""
    found = np.zeros(shape, bool)
    for polygon in polygons:
        found ^= grid_points_in_poly(shape, polygon)
    return found


def blobs(seed: int, share: float = 0.55) -> NDArray[np.bool_]:
    """Masks with holes, islands in holes, and pixels that touch at corners."""
    random = np.random.default_rng(seed)
    noise = random.random((17, 23)) < share
    return noise if seed % 2 else ndimage.zoom(noise[:7, :9], 3, order=0)


@pytest.mark.parametrize("seed", range(20))
def test_the_mask_comes_back_whole(seed: int) -> None:
    mask = blobs(seed)
    polygons = outlines(mask)
    assert np.array_equal(filled(polygons, mask.shape), mask)
    assert sum(map(area, polygons)) == mask.sum()
    # One outline for each part whose pixels share edges.
    assert len(polygons) == ndimage.label(mask)[1]


@pytest.mark.parametrize("seed", range(6))
def test_opencv_fills_the_same_mask_from_them(seed: int) -> None:
    mask = blobs(seed)
    big = np.zeros((mask.shape[0] * 8, mask.shape[1] * 8), np.uint8)
    points = [np.rint((polygon[:, ::-1] + 0.5) * 8).astype(np.int32) for polygon in outlines(mask)]
    for one in points:
        layer = np.zeros_like(big)
        cv2.fillPoly(layer, [one], 1)
        big |= layer
    assert np.array_equal(big[4::8, 4::8].astype(bool), mask)


def test_a_ring_in_a_ring_is_two_outlines_each_with_its_keyhole() -> None:
    mask = np.zeros((11, 11), bool)
    mask[0:11, 0:11], mask[1:10, 1:10], mask[3:8, 3:8], mask[4:7, 4:7] = True, False, True, False
    polygons = outlines(mask)
    assert [area(one) for one in polygons] == [40, 16]
    assert [len(one) for one in polygons] == [4 + 4 + 2, 4 + 4 + 2]
    assert np.array_equal(filled(polygons, mask.shape), mask)


def test_a_single_pixel_is_a_square_of_its_size_and_nothing_is_nothing() -> None:
    mask = np.zeros((3, 4), bool)
    assert outlines(mask) == []
    mask[1, 2] = True
    (square,) = outlines(mask)
    assert Polygon(square).equals(Polygon([(0.5, 1.5), (0.5, 2.5), (1.5, 2.5), (1.5, 1.5)]))


def test_pixels_that_share_a_corner_have_outlines_of_their_own() -> None:
    assert len(outlines(np.array([[1, 0], [0, 1]]))) == 2
    assert len(outlines(np.array([[0, 1], [1, 0]]))) == 2
    # A hole whose two pixels share a corner is one hole.
    mask = np.pad(1 - np.eye(2, dtype=int), 1, constant_values=1)
    (polygon,) = outlines(mask)
    assert area(polygon) == mask.sum()
