"""Decisions at places between voxels: as they stand where all eight around agree, else by interpolation.

What a place is between is a mean of its eight neighbours, so where one channel is the largest at all eight it is the
largest there; only where they disagree have values to be interpolated, which is at borders of structures.
"""

from collections.abc import Callable

import torch

MIXED = -1
"""Instead of a decision, where neighbours disagree."""

MOST_VALUES = 2**22
"""So many values are interpolated at a time."""


def merged(decided: torch.Tensor) -> torch.Tensor:
    """What all eight corners of each cell decide, or MIXED: each side one shorter."""
    for axis in range(3):
        many = decided.shape[axis] - 1
        first, second = decided.narrow(axis, 0, many), decided.narrow(axis, 1, many)
        decided = torch.where(first == second, first, torch.full_like(first, MIXED))
    return decided


def corners_of(places: tuple[torch.Tensor, ...], sides: torch.Size) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The lower corner of the cell of each place along each axis, and the share of the upper one.

    A place on the last voxel before the border belongs to the cell below it.
    """
    cells, shares = [], []
    for place, side in zip(places, sides, strict=True):
        cell = place.floor().clamp(0, side - 2)
        cell = torch.where((place == cell) & (cell == side - 2) & (cell > 0), cell - 1, cell)
        cells.append(cell.long())
        shares.append(place - cell)
    return cells, shares


def flat(index: list[torch.Tensor], sides: torch.Size | tuple[int, ...]) -> torch.Tensor:
    """One index for three into an array of three axes."""
    return (index[0] * sides[1] + index[1]) * sides[2] + index[2]


def interpolated(
    table: torch.Tensor,
    places: tuple[torch.Tensor, ...],
    decide: Callable[[torch.Tensor], torch.Tensor],
    decided: torch.Tensor,
) -> torch.Tensor:
    """The decision at each of `places`, which spread over one block; `table` is (planes, rows, columns, channels),
    `decided` what each of its voxels decides by itself. Sums are in float64 and rounded to float32 before `decide`,
    as MONAI's are.
    """
    sides = decided.shape
    cells, shares = corners_of(places, sides)
    result = merged(decided).flatten()[flat(cells, tuple(side - 1 for side in sides))]
    where = (result == MIXED).nonzero(as_tuple=True)
    rows = table.view(-1, table.shape[-1])
    chunk = max(1, MOST_VALUES // table.shape[-1])
    for first in range(0, len(where[0]), chunk):
        some = tuple(index[first : first + chunk] for index in where)
        cell = [_at(one, some) for one in cells]
        values = _mean(rows, flat(cell, sides), [_at(one, some) for one in shares], sides)
        result[some] = decide(values.float()).to(result.dtype)
    return result


def _mean(rows: torch.Tensor, corner: torch.Tensor, shares: list[torch.Tensor], sides: torch.Size) -> torch.Tensor:
    """Values at (places, channels) from the eight corners of their cells."""
    total = torch.zeros((len(corner), rows.shape[1]), dtype=torch.float64, device=rows.device)
    steps = (sides[1] * sides[2], sides[2], 1)
    for number in range(8):
        upper = [bool(number & 4), bool(number & 2), bool(number & 1)]
        index = corner + sum(step for step, up in zip(steps, upper, strict=True) if up)
        a, b, c = (share if up else 1 - share for share, up in zip(shares, upper, strict=True))
        total += rows[index].double() * (a * b * c)[:, None]
    return total


def _at(spread: torch.Tensor, where: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Values of what spreads over a block at some of its voxels."""
    return spread[
        tuple(index if side > 1 else torch.zeros_like(index) for index, side in zip(where, spread.shape, strict=True))
    ]
