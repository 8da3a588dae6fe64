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
class Parts:
    """The connected components of all labels. One entry each, and the first stands for the background: its label, its
    voxels, its box and its mean index. `numbers` say of each voxel inside `box` to which it belongs."""

    box: tuple[slice, slice, slice]
    numbers: Array
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
    parts = parts_of(labels)
    if parts is not None:
        label, voxels = parts.label[1:], parts.voxels[1:]
        np.add.at(found.voxels, label, voxels)
        np.add.at(found.components, label, 1)
        np.maximum.at(found.largest, label, voxels)
        np.minimum.at(found.first, label, parts.first[1:])
        np.maximum.at(found.last, label, parts.last[1:])
        np.add.at(found.centre, label, parts.centre[1:] * voxels[:, None])
        found.centre[:] /= np.maximum(found.voxels, 1)[:, None]
    return found


def parts_of(labels: Array, connectivity: int = CONNECTIVITY) -> Parts | None:
    """None where nothing is marked. Two labels are never one component. Neighbours are 6, 18 or 26 voxels."""
    box = box_of(labels)
    if box is None:
        return None
    # cc3d (4.1.1) loses voxels of a line that is cut out of a volume.
    inside = labels[box].copy(order="K")
    numbers = cc3d.connected_components(inside, connectivity=connectivity)
    figures = cc3d.statistics(numbers, no_slice_conversion=True)
    owners = np.zeros(len(figures["voxel_counts"]), np.int64)
    way = order(numbers)
    for piece in slabs(numbers):
        owners[numbers[piece].ravel(way)] = inside[piece].ravel(way)
    corner = np.array([one.start for one in box])
    boxes = figures["bounding_boxes"].astype(np.int64).reshape(-1, 3, 2)
    return Parts(
        box,
        numbers,
        owners,
        figures["voxel_counts"].astype(np.int64),
        boxes[:, :, 0] + corner,
        boxes[:, :, 1] + corner,
        figures["centroids"] + corner,
    )
