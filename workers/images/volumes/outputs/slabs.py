"""A label map in pieces that fit the memory, whatever the order of its axes."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.contract import Array

_VOXELS = 2**22
"""A slab's values as float64 are 32 MiB."""


def slabs(array: Array) -> Iterator[tuple[slice, ...]]:
    """Slices that cut a (i, j, k) array along the axis of its widest strides, so that each piece lies together."""
    axis = int(np.argmax(np.abs(array.strides)))
    length = array.shape[axis]
    thick = max(1, _VOXELS * length // max(array.size, 1))
    for start in range(0, length, thick):
        yield tuple(slice(start, start + thick) if one == axis else slice(None) for one in range(3))


def order(array: Array) -> Literal["C", "F"]:
    """In which order its voxels are visited fastest."""
    return "F" if abs(array.strides[0]) < abs(array.strides[-1]) else "C"


def box_of(marks: Array) -> tuple[slice, slice, slice] | None:
    """The smallest box with all voxels that are not 0; None where there are none."""
    found = [np.zeros(length, dtype=bool) for length in marks.shape]
    for piece in slabs(marks):
        part = marks[piece] != 0
        for axis in range(3):
            found[axis][piece[axis]] |= part.any(axis=tuple({0, 1, 2} - {axis}))
    if not found[0].any():
        return None
    first, second, third = (_between(line) for line in found)
    return first, second, third


def _between(line: NDArray[np.bool_]) -> slice:
    places = np.flatnonzero(line)
    return slice(int(places[0]), int(places[-1]) + 1)
