"""The outline of a mask in one slice: polygons along the edges of its pixels, whose area is the mask's to the digit.

A centre of a pixel lies inside them, by any rule, exactly where the mask is set. Pixels that only share a corner have
outlines of their own. Holes are cut out by a keyhole, as DICOM wants it of closed planar contours (PS3.3 C.8.8.6.3):
the outline runs in to the hole, around it and out again on the same way.
"""

import numpy as np
from numpy.typing import NDArray

from workers.contract import Array

Corner = tuple[int, int]
"""Row and column of a pixel's first corner: pixel (0, 0) lies between the corners (0, 0) and (1, 1)."""

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""To the right, down, to the left, up; the mask lies on the right of the way."""


def outlines(mask: Array) -> list[NDArray[np.float64]]:
    """Polygons of a (rows, columns) mask, without their first point again: (points, 2) of row and column, where the
    centre of a pixel has whole numbers."""
    outer: list[list[Corner]] = []
    holes: list[list[Corner]] = []
    for loop in _loops(mask):
        (outer if _area(loop) > 0 else holes).append(loop)
    whole = _cut_out(outer, holes)
    return [np.array(_turns(loop), dtype=np.float64) - 0.5 for loop in whole]


def _loops(mask: Array) -> list[list[Corner]]:
    """Closed ways along the edges, corner by corner: clockwise around the mask, the other way around a hole."""
    leaving = _edges(mask)
    found = []
    for start in sorted(leaving):
        while leaving[start]:
            way, at, going = [], start, min(leaving[start])
            while going in leaving[at]:
                leaving[at].remove(going)
                way.append(at)
                at = at[0] + _STEPS[going][0], at[1] + _STEPS[going][1]
                # Sharp right first: it stays at the same pixel where two of them touch at a corner.
                going = next((turn % 4 for turn in (going + 1, going, going + 3) if turn % 4 in leaving[at]), going)
            found.append(way)
    return found


def _edges(mask: Array) -> dict[Corner, set[int]]:
    """For each corner the directions of the edges that leave it."""
    inside = np.pad(np.asarray(mask, dtype=bool), 1)
    here = inside[1:-1, 1:-1]
    borders = (
        (here & ~inside[:-2, 1:-1], (0, 0)),
        (here & ~inside[1:-1, 2:], (0, 1)),
        (here & ~inside[2:, 1:-1], (1, 1)),
        (here & ~inside[1:-1, :-2], (1, 0)),
    )
    found: dict[Corner, set[int]] = {}
    for going, (border, corner) in enumerate(borders):
        for row, column in (np.argwhere(border) + corner).tolist():
            found.setdefault((row, column), set()).add(going)
    return found


def _area(loop: list[Corner]) -> int:
    points = np.array(loop)
    after = np.roll(points, -1, axis=0)
    return int((points[:, 1] * after[:, 0] - after[:, 1] * points[:, 0]).sum())


def _cut_out(outer: list[list[Corner]], holes: list[list[Corner]]) -> list[list[Corner]]:
    """Each hole is joined to the next way on its left, which goes around it or around a hole that is joined already."""
    owner = {corner: number for number, loop in enumerate(outer) for corner in loop}
    found = [list(loop) for loop in outer]
    for hole in sorted(holes, key=lambda loop: min((column, row) for row, column in loop)):
        row, column = start = min(hole, key=lambda corner: (corner[1], corner[0]))
        reached = next((row, left) for left in range(column - 1, -1, -1) if (row, left) in owner)
        number = owner[reached]
        place, first = found[number].index(reached), hole.index(start)
        around = [*hole[first:], *hole[:first], start]
        found[number][place + 1 : place + 1] = [*around, reached]
        owner |= dict.fromkeys(hole, number)
    return found


def _turns(loop: list[Corner]) -> list[Corner]:
    """Only corners at which the way turns, or goes back."""
    points = np.array(loop)
    into, out = np.sign(points - np.roll(points, 1, axis=0)), np.sign(np.roll(points, -1, axis=0) - points)
    kept: list[Corner] = [corner for corner, turns in zip(loop, (into != out).any(axis=1), strict=True) if turns]
    return kept
