"""Volumes as a training keeps them: prepared as `predict` prepares them, with their label map. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.contract import Array
from workers.images.volumes.augment.base import Spacing
from workers.images.volumes.training.classes import UNKNOWN, Classes
from workers.images.volumes.volume import Grid, Shape3

SHOWN = (
    OutputField(name="voxels", type="binary", meaning="prepared voxels, channels first, in the narrowest type"),
    OutputField(name="voxel_shape", type="list<int32>", meaning="channels, and sides along i, j and k"),
    OutputField(name="voxel_dtype", type="string", meaning="numpy's name of their type"),
    OutputField(name="voxel_mm", type="list<float64>", meaning="millimetres between neighbours along i, j and k"),
    OutputField(name="classes", type="binary", meaning="class of each voxel, 0 for background, -1 for unknown"),
    OutputField(name="class_dtype", type="string", meaning="numpy's name of their type"),
    OutputField(name="places", type="binary", meaning="some voxels of each structure, int32: class, i, j, k"),
    OutputField(name="label_map", type="string", meaning="uri of the label map"),
    OutputField(name="unnamed", type="list<int64>", meaning="values of the label map that no structure has"),
)
"""What stage `prepare` writes of each volume."""

COLUMNS = tuple(field.name for field in SHOWN)
_PLACES = 10_000
"""Voxels of a structure that are kept to choose a patch by: as nnU-Net."""
_NARROW = ("uint8", "int8", "uint16", "int16")


@dataclass(frozen=True)
class ShownVolume:
    """One volume to learn from. `voxels` (channels, i, j, k) of any real type, `classes` (i, j, k) of whole numbers;
    `places` (n, 4): class, i, j, k of some voxels of structures. Nobody writes to them."""

    voxels: Array
    classes: Array
    places: NDArray[np.int32]
    spacing: Spacing
    unnamed: tuple[int, ...] = ()
    """Values of the label map that no structure has."""

    @property
    def sides(self) -> Shape3:
        """Voxels along i, j and k."""
        one, other, last = self.classes.shape
        return one, other, last


class ShownVolumes(Sequence[ShownVolume]):
    """Those of a table that may be larger than memory; each is a view of it."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows

    def __len__(self) -> int:
        """Number of volumes."""
        return int(self._rows.num_rows)

    def __getitem__(self, place: Any) -> Any:
        """One of them."""
        row = {name: self._rows[name][place] for name in COLUMNS}
        shape = row["voxel_shape"].as_py()
        one, other, last = row["voxel_mm"].as_py()
        return ShownVolume(
            _view(row["voxels"], row["voxel_dtype"].as_py(), shape),
            _view(row["classes"], row["class_dtype"].as_py(), shape[1:]),
            _view(row["places"], "int32", (-1, 4)),
            (one, other, last),
            tuple(row["unnamed"].as_py()),
        )


def columns_of(
    voxels: Array, classes: Classes, grid: Grid, label_map: str, unnamed: Sequence[int]
) -> Mapping[str, Any]:
    """A row of stage `prepare`."""
    kept, narrow = narrowed(voxels), classes.astype(np.int8) if classes.max(initial=0) < 128 else classes
    return {
        "voxels": kept.tobytes(),
        "voxel_shape": list(kept.shape),
        "voxel_dtype": kept.dtype.name,
        "voxel_mm": list(grid.spacing),
        "classes": narrow.tobytes(),
        "class_dtype": narrow.dtype.name,
        "places": some_places(classes).tobytes(),
        "label_map": label_map,
        "unnamed": list(unnamed),
    }


def narrowed(voxels: Array) -> Array:
    """The same values in the narrowest type that has them all; float32 where they are no whole numbers."""
    low, high = voxels.min(initial=np.inf), voxels.max(initial=-np.inf)
    for name in _NARROW:
        ends = np.iinfo(name)
        if ends.min <= low and high <= ends.max:
            narrow = voxels.astype(name)
            if np.array_equal(narrow, voxels):
                return narrow
    return voxels.astype(np.float32)


def some_places(classes: Classes) -> NDArray[np.int32]:
    """(n, 4): class, i, j, k of so many voxels of each structure, the same ones every time."""
    chance, found = np.random.default_rng(0), []
    for number in np.unique(classes):
        if number in (0, UNKNOWN):
            continue
        flat = np.flatnonzero(classes == number)
        if len(flat) > _PLACES:
            flat = np.sort(chance.choice(flat, _PLACES, replace=False))
        places = np.stack(np.unravel_index(flat, classes.shape), axis=1)
        found.append(np.column_stack([np.full(len(flat), number), places]))
    return np.concatenate([np.empty((0, 4)), *found]).astype(np.int32)


def _view(value: Any, dtype: str, shape: Sequence[int]) -> Array:
    return np.frombuffer(value.as_buffer(), dtype).reshape(shape)
