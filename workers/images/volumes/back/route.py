"""Where each voxel of the original grid lies on the grid of the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import torch

from workers.images.volumes.back.axes import Maps, follow
from workers.images.volumes.back.places import is_straight, methods_of, pull_of, straight_places
from workers.images.volumes.sampling import Line
from workers.images.volumes.volume import Affine4, Grid, StepBack

TRACE = 1e-9
"""The share of a voxel that was seen below which it is rounding, and none."""


@dataclass(frozen=True)
class Placed:
    """The voxels of planes of the original grid on that of the network: for each of its axes the place, in float64, and
    whether any voxel there was seen; shaped so that they spread over (i, j, k) of the planes."""

    places: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    seen: tuple[torch.Tensor, ...]


class Route:
    """From the original grid over at most one resampling to that of the network."""

    def __init__(self, back: Sequence[StepBack], model: Grid) -> None:
        at = next((index for index, step in enumerate(back) if step.kind == "resample"), None)
        self.model = model.shape
        self.shape = back[0].before.shape if back else self.model
        grids = [*(step.before for step in back), model]
        turning = len(back) if at is None else at
        self._first: Maps = follow(back[:turning], grids[turning].shape)
        self._last: Maps = follow(() if at is None else back[at + 1 :], self.model)
        self._pull: Affine4 | None = None
        self._nearest = False
        if at is None:
            self._lines: list[Line] = [np.arange(side, dtype=np.float64) for side in grids[turning].shape]
        elif is_straight(back[at], grids[at + 1]):
            self._lines = straight_places(back[at], grids[at + 1])
        else:
            self._lines = [np.arange(side, dtype=np.float64) for side in back[at].before.shape]
            self._pull = pull_of(back[at], grids[at + 1])
            self._after = grids[at + 1].shape
            self._nearest = "nearest" in methods_of(back[at])
        self.is_whole = self._nearest or (self._pull is None and all((line % 1 == 0).all() for line in self._lines))
        """Whether every voxel is one of the network's as it is."""

    def limits(self, axis: int) -> tuple[int, int]:
        """The first index of an axis of the network's grid that may be needed, and the one behind the last."""
        one = self._last[axis]
        return int(max(one.low, 0)), int(min(one.high, self.model[axis]))

    def along(self, axis: int) -> int:
        """The axis of the original grid along which places on `axis` of the network's change most."""
        middle = self._last[axis].source
        if self._pull is None:
            return self._first[middle].source
        # Of voxels, not millimetres: what counts is how far a plane of the original reaches along the axis.
        spans = [abs(self._pull[middle, one]) * side for one, side in enumerate(self._sides())]
        return self._first[int(np.argmax(spans))].source

    def reach(self, axis: int, along: int, plane: int) -> tuple[float, float]:
        """The smallest and the largest place on `axis` of the network's grid of a plane of the original's, across its
        axis `along`."""
        places = self.planes(along, plane, plane + 1, ends=self._pull is not None).places[axis]
        return float(places.min()), float(places.max())

    def planes(self, axis: int, start: int, end: int, *, ends: bool = False) -> Placed:
        """Voxels of planes `start` to before `end` along an axis of the original grid; with `ends` only the first and
        the last along the other two."""
        before, known = self._before_resampling(axis, start, end, ends)
        if self._pull is None:
            middle = [torch.from_numpy(line)[index] for line, index in zip(self._lines, before, strict=True)]
        else:
            middle = self._pulled(before)
        places, seen = [], known
        for side, one in enumerate(self._last):
            place = one.sign * middle[one.source] + float(one.offset)
            low, high = self.limits(side)
            if one.low > -np.inf or one.high < np.inf:
                seen = [*seen, (place > low - 1 + TRACE) & (place < high - TRACE)]
            places.append(place)
        return Placed((places[0], places[1], places[2]), tuple(seen))

    def _before_resampling(
        self, axis: int, start: int, end: int, ends: bool
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Indices on the grid that was resampled, and where they were there."""
        indices, known = [], []
        for one, side in zip(self._first, self._sides(), strict=True):
            first, last = (start, end) if one.source == axis else (0, self.shape[one.source])
            many = torch.tensor([first, last - 1]) if ends else torch.arange(first, last)
            index = one.sign * many + one.offset
            spread = [1, 1, 1]
            spread[one.source] = len(index)
            if one.low > -np.inf or one.high < np.inf:
                known.append(((index >= one.low) & (index < one.high)).view(spread))
            indices.append(index.clamp(0, side - 1).view(spread))
        return indices, known

    def _sides(self) -> list[int]:
        return [len(line) for line in self._lines]

    def _pulled(self, index: list[torch.Tensor]) -> list[torch.Tensor]:
        assert self._pull is not None
        pull, whole = torch.from_numpy(self._pull), [one.double() for one in index]
        found = []
        for row, side in zip(pull[:3], self._after, strict=True):
            # Without what adds nothing, so that a place that moves along one axis does not spread over all.
            moves = (factor * one for factor, one in zip(row[:3], whole, strict=True) if factor)
            place = (reduce(add, moves) + row[3]).clamp(0, side - 1)
            found.append(place.round() if self._nearest else place)
        return found
