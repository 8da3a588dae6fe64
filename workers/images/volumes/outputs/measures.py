"""Measures of every structure, as the rows have them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.errors import WardroundError
from workers.contract import Array
from workers.images.volumes.card import Structure
from workers.images.volumes.outputs.columns import MEASURES_TYPE
from workers.images.volumes.outputs.intensity import mean_and_sd
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.shape import Shapes, shapes
from workers.images.volumes.volume import Grid

_NAMES = tuple(part.split(":")[0].strip() for part in MEASURES_TYPE[len("struct<") : -1].split(","))

Measures = Mapping[str, Any]


def measures_of(structures: Sequence[Structure], marked: Marked) -> dict[str, Measures]:
    """The measures of every structure, by its name."""
    if marked.labels is None:
        return {one.name: _of_mask(marked.masks[one.name], marked) for one in structures}
    count = max(int(marked.labels.max(initial=0)), max(one.label for one in structures)) + 1
    found = _of_labels(marked.labels, marked, count)
    strangers = set(range(1, count)) - {one.label for one in structures}
    if any(found[label]["voxels"] for label in strangers):
        raise WardroundError("a label map has labels that are no structure's: this is a bug")
    return {one.name: found[one.label] for one in structures}


def _of_mask(mask: Array, marked: Marked) -> Measures:
    return _of_labels(mask.view(np.uint8) if mask.dtype == bool else mask, marked, 2)[1]


def _of_labels(labels: Array, marked: Marked, count: int) -> list[Measures]:
    found = shapes(labels, count)
    mean, sd = mean_and_sd(labels, marked.intensities, count)
    return [_measures(found, label, mean[label], sd[label], marked.grid) for label in range(count)]


def _measures(found: Shapes, label: int, mean: float, sd: float, grid: Grid) -> Measures:
    voxels = int(found.voxels[label])
    if not voxels:
        return dict.fromkeys(_NAMES) | {"voxels": 0}
    is_finite = bool(np.isfinite(mean) and np.isfinite(sd))
    first, last = found.first[label], found.last[label]
    x, y, z = (grid.affine @ [*found.centre[label], 1.0])[:3]
    box = {
        f"{axis}_{end}": int(at[n]) for n, axis in enumerate("ijk") for end, at in (("first", first), ("last", last))
    }
    return {
        "voxels": voxels,
        "volume_ml": voxels * grid.voxel_ml,
        "mean": float(mean) if is_finite else None,
        "sd": float(sd) if is_finite else None,
        **box,
        # From RAS+ to DICOM's LPS+.
        "x_mm": -float(x),
        "y_mm": -float(y),
        "z_mm": float(z),
        "components": int(found.components[label]),
        "largest_share": int(found.largest[label]) / voxels,
        "cut_off": bool((first == 0).any() or (last == np.array(grid.shape) - 1).any()),
    }
