"""Axes of nnU-Net and ours.

nnU-Net's readers give arrays (z, y, x), which `transpose_forward` of the plans then permutes; our voxels are (i, j, k),
which is (x, y, z). Lists in plans are in the order of the permuted array.
"""

from collections.abc import Sequence
from typing import TypeVar

from schemas.errors import SpecError

T = TypeVar("T")
Order = tuple[int, int, int]


def order_of(transpose_forward: Sequence[int], where: str) -> Order:
    """For each axis of the network which of ours it is. Raises SpecError where it is no permutation of three axes."""
    if sorted(transpose_forward) != [0, 1, 2]:
        raise SpecError(f"{where}: transpose_forward {list(transpose_forward)} must have 0, 1 and 2 once each")
    first, second, third = (2 - axis for axis in transpose_forward)
    return first, second, third


def ours(values: Sequence[T], order: Order) -> tuple[T, T, T]:
    """Values an axis of the network as values an axis of ours."""
    by_axis = dict(zip(order, values, strict=True))
    return by_axis[0], by_axis[1], by_axis[2]
