"""From a map of text probabilities to boxes in pixels of the image: OpenCV and numpy alone.

Steps as in Liao et al. 2020, section 3.4, and RapidOCR's DBPostProcess: binary map, contours, smallest rectangle around
each, mean probability in it, the rectangle grown back to the size that the text had before the network shrank it.
"""

from typing import NamedTuple

import cv2
import numpy as np

from workers.contract import Array
from workers.images.formats.text_settings import Detection

_MIN_SIDE = 3
"""Smallest side of a rectangle in the map, and of a box in the image, below which it is noise."""


class Region(NamedTuple):
    """`corners` is (4, 2) int32: x, y of top left, top right, bottom right, bottom left."""

    corners: Array
    score: float


def find_regions(probabilities: Array, rows: int, columns: int, settings: Detection) -> list[Region]:
    """Boxes in an image of `rows` x `columns` from its (h, w) float32 map of probabilities."""
    mask = (probabilities > settings.threshold).astype(np.uint8)
    if settings.use_dilation:
        mask = cv2.dilate(mask, np.ones((2, 2), np.uint8))
    contours = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]
    scale = np.array([columns, rows], np.float32) / np.array(mask.shape[::-1], np.float32)
    found = []
    for contour in contours[: settings.candidates]:
        region = _region(probabilities, contour, settings)
        if region is None:
            continue
        scaled = np.clip(np.round(region.corners * scale), 0, [columns, rows]).astype(np.int32)
        box = _clockwise(scaled)
        # Twice, as the published code does: corners are put in order between the two.
        box = np.clip(box, 0, [columns - 1, rows - 1]).astype(np.int32)
        if int(min(_length(box[0], box[1]), _length(box[0], box[3]))) > _MIN_SIDE:
            found.append(Region(box, region.score))
    return found


def _region(probabilities: Array, contour: Array, settings: Detection) -> Region | None:
    """The grown box of one contour, in the map, or None if it is too small or too unlikely."""
    rectangle = cv2.minAreaRect(contour)
    if min(rectangle[1]) < _MIN_SIDE:
        return None
    corners = cv2.boxPoints(rectangle)
    score = _mean_inside(probabilities, corners)
    if score < settings.box_threshold:
        return None
    grown = grow(corners, settings.unclip_ratio)
    return None if min(grown[1]) < _MIN_SIDE + 2 else Region(cv2.boxPoints(grown), score)


def grow(corners: Array, ratio: float) -> tuple[tuple[float, float], tuple[float, float], float]:
    """A rectangle grown on every side by `area * ratio / perimeter`: centre, size, angle as OpenCV has them.

    The smallest rectangle around the polygon's offset with round corners, as published, is just that. Corners are cut
    to whole pixels first, as the Clipper library of the published code does.
    """
    width, height = _length(corners[0], corners[1]), _length(corners[1], corners[2])
    distance = width * height * ratio / (2 * (width + height))
    centre, (first, second), angle = cv2.minAreaRect(np.trunc(corners).astype(np.int32))
    return centre, (first + 2 * distance, second + 2 * distance), angle


def _mean_inside(probabilities: Array, corners: Array) -> float:
    last = np.array(probabilities.shape[::-1]) - 1
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, last).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)), 0, last).astype(int)
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - np.array([x0, y0], np.float32)).astype(np.int32)], 1)
    return float(cv2.mean(probabilities[y0 : y1 + 1, x0 : x1 + 1], mask)[0])


def _clockwise(corners: Array) -> Array:
    """Top left, top right, bottom right, bottom left: the left two by x first, then each pair by y."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.stack([left[0], right[0], right[1], left[1]])


def _length(a: Array, b: Array) -> float:
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))
