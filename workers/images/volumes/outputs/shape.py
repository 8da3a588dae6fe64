"""Size, place and connected components of every structure of a label map, in one pass over it."""

from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray

from workers.contract import Array
from workers.images.volumes.outputs.slabs import box_of, order, slabs

CONNECTIVITY = 26
"""Voxels that share a face, an edge or a corner are connected."""


@dataclass(frozen=True)
class Shapes:
    """One entry a label, the label being the index. Of labels that do not occur `voxels` are 0, all else means nothing.

    `first` and `last` (labels, 3) are the bounding box, both inside; `centre` (labels, 3) is the mean index;
    `components` are their numbers, `largest` the voxels of the largest.
    """

    voxels: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    centre: NDArray[np.float64]
    components: NDArray[np.int64]
    largest: NDArray[np.int64]


@dataclass(frozen=True)
class _Parts:
    """One entry a connected component: its label, its voxels, its box and its mean index."""

    label: NDArray[np.int64]
    voxels: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    centre: NDArray[np.float64]


def shapes(labels: Array, count: int) -> Shapes:
    """`labels` (i, j, k) are below `count`; 0 is background.

    Everything is summed up from the connected components, which are found for all labels at once.
    """
    found = Shapes(
        np.zeros(count, np.int64),
        np.full((count, 3), np.iinfo(np.int64).max),
        np.full((count, 3), -1),
        np.zeros((count, 3)),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    parts = _parts(labels)
    if parts is not None:
        np.add.at(found.voxels, parts.label, parts.voxels)
        np.add.at(found.components, parts.label, 1)
        np.maximum.at(found.largest, parts.label, parts.voxels)
        np.minimum.at(found.first, parts.label, parts.first)
        np.maximum.at(found.last, parts.label, parts.last)
        np.add.at(found.centre, parts.label, parts.centre * parts.voxels[:, None])
        found.centre[:] /= np.maximum(found.voxels, 1)[:, None]
    return found


def _parts(labels: Array) -> _Parts | None:
    box = box_of(labels)
    if box is None:
        return None
    inside = labels[box]
    connected = cc3d.connected_components(inside, connectivity=CONNECTIVITY)
    figures = cc3d.statistics(connected, no_slice_conversion=True)
    owners = np.zeros(len(figures["voxel_counts"]), np.int64)
    for piece in slabs(connected):
        way = order(connected)
        owners[connected[piece].ravel(way)] = inside[piece].ravel(way)
    corner = np.array([one.start for one in box])
    boxes = figures["bounding_boxes"].astype(np.int64).reshape(-1, 3, 2)
    # The first component is the background.
    return _Parts(
        owners[1:],
        figures["voxel_counts"][1:].astype(np.int64),
        boxes[1:, :, 0] + corner,
        boxes[1:, :, 1] + corner,
        figures["centroids"][1:] + corner,
    )
