"""What is tidied of a mask before it is measured: stray components, small ones, holes.

`keep_largest` is MONAI's `KeepLargestConnectedComponent`, each structure on its own, all 26 neighbours connected; of
components of one size the first along i, then j, then k stays. `fill_holes` is MONAI's `FillHoles`: what cannot be
reached from outside the volume through faces, edges and corners. In a label map only background is filled: a structure
inside another, a tumour in an organ, stays, which MONAI overwrites.
"""

from collections.abc import Sequence
from dataclasses import replace

import cc3d
import numpy as np
from numpy.typing import NDArray

from workers.contract import Array
from workers.images.volumes.card import Structure
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.settings import Clean
from workers.images.volumes.outputs.shape import CONNECTIVITY, Parts, parts_of, shapes

_ROUNDING = 1e-6
"""Less of a voxel than it takes: a component of just the volume that is asked for stays."""


def cleaned(structures: Sequence[Structure], marked: Marked, steps: Sequence[Clean]) -> Marked:
    """What is marked after these steps, one after the other; the given arrays stay as they are."""
    for step in steps:
        chosen = [one for one in structures if not step.structures or one.name in step.structures]
        if marked.labels is not None:
            labels = _step(step, marked.labels, [one.label for one in chosen], marked.grid.voxel_ml)
            marked = replace(marked, labels=labels)
        else:
            masks = {
                one.name: _step(step, marked.masks[one.name].astype(np.uint8), [1], marked.grid.voxel_ml)
                for one in chosen
            }
            marked = replace(marked, masks={**marked.masks, **masks})
    return marked


def _step(step: Clean, labels: Array, chosen: Sequence[int], voxel_ml: float) -> Array:
    match step.step:
        case "keep_largest":
            return keep_largest(labels, chosen)
        case "remove_small":
            least = step.ml / voxel_ml - _ROUNDING if step.ml is not None else step.voxels or 0
            return remove_small(labels, chosen, least, step.neighbours)
        case "fill_holes":
            return fill_holes(labels, chosen)


def keep_largest(labels: Array, chosen: Sequence[int]) -> Array:
    """The largest connected component of each of these labels; other labels stay."""
    parts = parts_of(labels)
    if parts is None:
        return labels
    kept = ~np.isin(parts.label, chosen)
    for label in chosen:
        own = np.flatnonzero(parts.label[1:] == label) + 1
        if own.size:
            largest = own[parts.voxels[own] == parts.voxels[own].max()]
            kept[largest[0] if largest.size == 1 else _first(parts, largest)] = True
    return _only(labels, parts, kept)


def remove_small(labels: Array, chosen: Sequence[int], voxels: float, neighbours: int = CONNECTIVITY) -> Array:
    """Without components of these labels that have fewer voxels, of which so many are neighbours of one."""
    parts = parts_of(labels, neighbours)
    if parts is None:
        return labels
    return _only(labels, parts, ~np.isin(parts.label, chosen) | (parts.voxels >= voxels))


def fill_holes(labels: Array, chosen: Sequence[int]) -> Array:
    """Background that a label encloses becomes that label, one label after the other."""
    found = labels.copy(order="K")
    boxes = shapes(labels, max([int(labels.max(initial=0)), *chosen]) + 1)
    for label in chosen:
        if boxes.voxels[label]:
            box = tuple(slice(a, b + 1) for a, b in zip(boxes.first[label], boxes.last[label], strict=True))
            inside = found[box]
            inside[_enclosed(inside == label) & (inside == 0)] = label
    return found


def _enclosed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # A layer all around is outside, and so is all that is connected to it.
    free = np.pad(~mask, 1, constant_values=True)
    numbers = cc3d.connected_components(free, connectivity=CONNECTIVITY)
    enclosed: NDArray[np.bool_] = free & (numbers != numbers[0, 0, 0])
    return enclosed[1:-1, 1:-1, 1:-1]


def _first(parts: Parts, numbers: NDArray[np.intp]) -> int:
    return min((int(np.argmax((parts.numbers == number).ravel())), int(number)) for number in numbers)[1]


def _only(labels: Array, parts: Parts, kept: NDArray[np.bool_]) -> Array:
    kept[0] = True
    if kept.all():
        return labels
    found = labels.copy(order="K")
    found[parts.box][~kept[parts.numbers]] = 0
    return found
