"""A picture of what is marked: three planes through the largest structure, with the outlines of all.

Axial, coronal and sagittal as radiologists hang them: the patient's right on the left, the front on top or on the left,
the head on top, along the axes of the volume that are closest to those of the patient. Grey is linear between the 1st
and the 99th percentile of the three planes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import nibabel as nib
import numpy as np

from workers.contract import Array
from workers.images.png import png_of
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.outputs.colours import colour_of
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.measures import Measures
from workers.images.volumes.volume import Grid

_LONGEST = 384
"""Pixels of the longest axis."""
_PERCENTILES = (1.0, 99.0)

_PLANES = ((2, (1, 0)), (1, (2, 0)), (0, (2, 1)))
"""For each plane, of the axes to the left, back and up (LPS): the one across it, and those that rows and columns are
counted along."""
_UP = 2
"""The axis that is turned, so that the head is on top."""

Planes = Sequence[Array]


class _View:
    """The volume along the patient's axes, and the voxel that the planes go through."""

    def __init__(self, grid: Grid, middle: Array) -> None:
        orientations = nib.orientations
        self._turn = orientations.ornt_transform(
            orientations.io_orientation(grid.affine), orientations.axcodes2ornt(("L", "P", "S"))
        )
        axes = np.argsort(self._turn[:, 0])
        shape = np.array(grid.shape)
        self._at = np.where(self._turn[:, 1] < 0, shape - 1 - middle, middle)[axes]
        lengths = (shape * grid.spacing)[axes]
        self._sizes = np.maximum(1, np.rint(lengths * _LONGEST / lengths.max())).astype(int)

    def planes(self, voxels: Array, kind: type[np.number[Any]], interpolation: int) -> Planes:
        """Axial, coronal and sagittal plane of an array on the grid, each voxel as wide as it is."""
        turned = nib.orientations.apply_orientation(voxels, self._turn)
        found = []
        for across, (rows, columns) in _PLANES:
            plane = np.take(turned, self._at[across], axis=across)
            plane = (plane if columns > rows else plane.T)[:: -1 if rows == _UP else 1]
            size = int(self._sizes[columns]), int(self._sizes[rows])
            found.append(cv2.resize(plane.astype(kind), size, interpolation=interpolation))
        return found


def preview_of(card: VolumeCard, marked: Marked, measures: Mapping[str, Measures]) -> bytes:
    """The whole PNG. `measures` are those of the structures; where nothing is marked the planes are the middle ones."""
    view = _View(marked.grid, _middle(marked.grid, measures))
    greys = _windowed(view.planes(marked.intensities, np.float32, cv2.INTER_LINEAR))
    pictures = [np.repeat(grey[:, :, None], 3, axis=2) for grey in greys]
    labels = None if marked.labels is None else view.planes(marked.labels, np.uint16, cv2.INTER_NEAREST)
    for number, one in enumerate(card.structures, 1):
        if not measures[one.name]["voxels"]:
            continue
        if labels is None:
            marks = view.planes(marked.masks[one.name], np.uint8, cv2.INTER_NEAREST)
        else:
            marks = [(plane == one.label).astype(np.uint8) for plane in labels]
        for picture, plane in zip(pictures, marks, strict=True):
            found, _ = cv2.findContours(plane, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, found, -1, colour_of(number), 1)
    return png_of(_side_by_side(pictures))


def _middle(grid: Grid, measures: Mapping[str, Measures]) -> Array:
    """The voxel at the centroid of the structure with most voxels."""
    shape = np.array(grid.shape)
    largest = max(measures.values(), key=lambda one: one["voxels"])
    if not largest["voxels"]:
        return shape // 2
    place = np.array([-largest["x_mm"], -largest["y_mm"], largest["z_mm"], 1.0])
    index: Array = np.rint((np.linalg.inv(grid.affine) @ place)[:3]).astype(int)
    return index.clip(0, shape - 1)


def _windowed(planes: Planes) -> Planes:
    values = np.concatenate([plane.ravel() for plane in planes])
    values = values[np.isfinite(values)]
    if not values.size:
        return [np.zeros(plane.shape, np.uint8) for plane in planes]
    low, high = np.percentile(values, _PERCENTILES)
    width = (high - low) or 1.0
    clean = [np.nan_to_num(plane, nan=low, posinf=high, neginf=low) for plane in planes]
    return [np.clip((plane - low) * (255.0 / width), 0, 255).astype(np.uint8) for plane in clean]


def _side_by_side(pictures: Planes) -> Array:
    rows = max(picture.shape[0] for picture in pictures)
    return np.concatenate(
        [np.pad(picture, ((0, rows - picture.shape[0]), (0, 0), (0, 0))) for picture in pictures], axis=1
    )
