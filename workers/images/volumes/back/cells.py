"""Decisions at places between voxels: as they stand where all eight around agree, else by interpolation.

What a place is between is a mean of its eight neighbours, so where one channel is the largest at all eight it is the
largest there; only where they disagree have values to be interpolated, which is at borders of structures.
"""

from collections.abc import Callable

import torch

MIXED = -1
"""Instead of a decision, where neighbours disagree."""

MOST_VALUES = 2**18
"""So many values are interpolated at a time: with all eight neighbours they stay in a processor's cache."""

Places = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def merged(decided: torch.Tensor) -> torch.Tensor:
    """What all eight corners of each cell decide, or MIXED: each side one shorter."""
    for axis in range(3):
        many = decided.shape[axis] - 1
        first, second = decided.narrow(axis, 0, many), decided.narrow(axis, 1, many)
        decided = first.masked_fill(first != second, MIXED)
    return decided


def corners_of(places: Places, sides: torch.Size) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
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


def taken(source: torch.Tensor, index: list[torch.Tensor]) -> torch.Tensor:
    """Entries of an array of three axes: an index for each, which together spread over one block.

    Where each goes along an axis of its own, as on grids that are not turned against each other, they are taken along
    one after the other, without an index for every entry.
    """
    along = _axes_of(index)
    if along is None:
        return source.flatten()[flat(index, source.shape)]
    for axis in sorted(range(3), key=lambda one: index[one].numel() / source.shape[one]):
        source = source.index_select(axis, index[axis].flatten())
    return source.permute(*(along.index(axis) for axis in range(3)))


def _axes_of(index: list[torch.Tensor]) -> list[int] | None:
    """Along which axis of the block each index goes; None where one goes along several, or two along one."""
    long = [[axis for axis, side in enumerate(one.shape) if side > 1] for one in index]
    taken_axes = [axis for axes in long for axis in axes]
    if any(len(axes) > 1 for axes in long) or len(set(taken_axes)) < len(taken_axes):
        return None
    free = iter(sorted({0, 1, 2} - set(taken_axes)))
    return [axes[0] if axes else next(free) for axes in long]


def interpolated(
    table: torch.Tensor, places: Places, decide: Callable[[torch.Tensor], torch.Tensor], agreed: torch.Tensor
) -> torch.Tensor:
    """The decision at each of `places`, which spread over one block; `table` is (planes, rows, columns, channels),
    `agreed` the decision of each of its cells, or MIXED. Sums are in float64 and rounded to float32 before `decide`,
    as MONAI's are.
    """
    sides = table.shape[:3]
    cells, shares = corners_of(places, sides)
    result = taken(agreed, cells)
    where = (result == MIXED).nonzero()
    rows = table.view(-1, table.shape[-1])
    for some in torch.split(where, max(1, MOST_VALUES // table.shape[-1])):
        at = some.unbind(1)
        values = _mean(rows, flat([_at(one, at) for one in cells], sides), [_at(one, at) for one in shares], sides)
        result[at] = decide(values.float()).to(result.dtype)
    return result


def _mean(rows: torch.Tensor, corner: torch.Tensor, shares: list[torch.Tensor], sides: torch.Size) -> torch.Tensor:
    """Values at (places, channels) from the eight corners of their cells."""
    total = torch.zeros((len(corner), rows.shape[1]), dtype=torch.float64, device=rows.device)
    planes, lines, voxels = ((1 - share, share) for share in shares)
    for plane, of_plane in enumerate(planes):
        for line, of_line in enumerate(lines):
            along = of_plane * of_line
            first = corner + (plane * sides[1] + line) * sides[2]
            for voxel, of_voxel in enumerate(voxels):
                total.addcmul_(rows.index_select(0, first + voxel).double(), (along * of_voxel)[:, None])
    return total


def _at(spread: torch.Tensor, where: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Values of what spreads over a block at some of its voxels."""
    return spread[
        tuple(index if side > 1 else torch.zeros_like(index) for index, side in zip(where, spread.shape, strict=True))
    ]
