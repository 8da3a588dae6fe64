"""Labels on the original grid from slabs of a network's values, without values on the original grid ever existing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from workers.contract import Array
from workers.images.volumes.back.cells import MIXED, Places, interpolated, merged, taken
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.ring import Ring
from workers.images.volumes.back.route import Route
from workers.images.volumes.back.whole import values_back
from workers.images.volumes.volume import Grid, StepBack

MOST_VOXELS = 2**20
"""Voxels of the original grid that are decided at a time, if one plane has not more."""
MOST_VALUES = 2**21
"""Values of the network's grid that are taken in at a time, if one plane has not more: what is made of them on the way
stays in a processor's cache, and its memory is used again."""
ON_DEVICE = 16
"""So many times as many of both on a GPU, where each step costs its launch."""

Decide = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Slab:
    """Planes `start`, `start + 1`, ... of the original grid along its `axis`.

    `labels` are (i, j, k) of the original grid but for that axis, uint8, or uint16 where a label is above 255; for
    marks (structures, i, j, k), uint8, 0 and 1, in the order of `Decision.channels`.
    """

    axis: int
    start: int
    labels: Array


class LabelSlabs:
    """Takes finished slabs of a network's values and gives slabs of labels as soon as they are determined.

    Equal, voxel for voxel, to MONAI's `Activations`, `Invert` with `nearest_interp=False`, `AsDiscrete`; what was
    cropped away is background. Holds the planes that further labels need: two or three planes of the network's grid
    beside those fed last, channels and all; of two resamplings in a row the later one is undone whole.

        way = LabelSlabs(volume.back, volume.grid, Decision.of(card), axis=2, device="cuda")
        for values in windows:                # (channels, i, j, a few planes of k), in order
            for slab in way.feed(values): ...
        for slab in way.finish(): ...
    """

    def __init__(
        self, back: Sequence[StepBack], model: Grid, decision: Decision, *, axis: int = 2, device: str = "cpu"
    ) -> None:
        """`model` is the grid of the values, `axis` the one of 0, 1, 2 along which slabs follow one another."""
        resampled = [index for index, step in enumerate(back) if step.kind == "resample"]
        self._model, self._fed, self._kept = model, 0, list[torch.Tensor]()
        self._later = tuple(back[resampled[0] + 1 :]) if len(resampled) > 1 else ()
        if self._later:
            back, model = back[: resampled[0] + 1], self._later[0].before
        self._decision, self._axis, self._device = decision, axis, device
        self._scale = 1 if device == "cpu" else ON_DEVICE
        self._route = Route(back, model)
        self.shape = self._route.shape
        """The shape of the original grid."""
        self.along = self._route.along(axis)
        """Its axis along which slabs come."""
        self._ring = Ring(self._route, axis, decision, device)
        self._todo = self._order()

    @property
    def held(self) -> int:
        """How many planes of the network's grid are held, borders included."""
        return self._ring.held

    def feed(self, slab: torch.Tensor) -> list[Slab]:
        """The next planes of values, (channels, i, j, k) on any device: float32, or half precision, which becomes
        float32. They may come in any numbers of planes. Slabs come along one axis of the original grid, each once,
        in ascending or, where that axis is flipped, in descending order. ValueError where more come than there are."""
        self._fed += slab.shape[1 + self._axis]
        if self._fed > self._model.shape[self._axis]:
            raise ValueError("more planes were fed than the network's grid has")
        many = max(1, MOST_VALUES * self._scale * slab.shape[1 + self._axis] // max(1, slab.numel()))
        found: list[Slab] = []
        for piece in torch.split(slab, many, 1 + self._axis):
            values = self._decision_values(piece.to(self._device).float())
            if self._later:
                self._kept.append(values)
            else:
                self._ring.add(values)
                found += self._ready()
        return found

    def finish(self) -> list[Slab]:
        """What is left, once all planes were fed; ValueError where some were not."""
        if self._fed != self._model.shape[self._axis]:
            raise ValueError(f"{self._fed} of {self._model.shape[self._axis]} planes were fed")
        if self._kept:
            values = values_back(torch.cat(self._kept, 1 + self._axis), self._later, self._model)
            self._kept.clear()
            self._ring.add(values)
        self._ring.end()
        return list(self._ready())

    def _decision_values(self, values: torch.Tensor) -> torch.Tensor:
        if self._decision.late or self._decision.activation == "none":
            return values
        return values.softmax(0) if self._decision.activation == "softmax" else values.sigmoid()

    def _order(self) -> list[tuple[int, int, int]]:
        """Planes of the original grid in the order in which they are determined, each with the first and the last
        plane of the network's that it needs, counted as the ring counts them."""
        found = []
        for plane in range(self.shape[self.along]):
            found.append((plane, *self._ring.span(*self._route.reach(self._axis, self.along, plane))))
        return found if found[0][1:] <= found[-1][1:] else found[::-1]

    def _ready(self) -> Iterator[Slab]:
        while self._todo:
            group = self._next_group()
            if not group:
                return
            first, last = min(one[0] for one in group), max(one[0] for one in group)
            yield Slab(self.along, first, self._labels(first, last + 1, group))
            self._todo = self._todo[len(group) :]
            self._ring.forget(min((one[1] for one in self._todo), default=None))

    def _next_group(self) -> list[tuple[int, int, int]]:
        """The next planes that are determined and fit into memory together."""
        plane = int(np.prod(self.shape)) // self.shape[self.along]
        group: list[tuple[int, int, int]] = []
        for one in self._todo:
            needed = [*group, one]
            wide = max(other[2] for other in needed) - min(other[1] for other in needed)
            large = len(needed) * plane > MOST_VOXELS * self._scale or wide > self._ring.most
            if one[2] >= self._ring.known or (group and large):
                break
            group.append(one)
        return group

    def _labels(self, start: int, end: int, group: list[tuple[int, int, int]]) -> Array:
        placed = self._route.planes(self.along, start, end)
        first, last = min(one[1] for one in group), max(one[2] for one in group)
        table, decided = self._ring.planes(first, last)
        plane, row, column = (one.to(self._device) for one in self._ring.counted(placed.places, first))
        places = plane, row, column
        seen = [one.to(self._device) for one in placed.seen]
        if self._decision.kind == "labels":
            labels = torch.tensor([*self._decision.values, MIXED], dtype=torch.int32, device=table.device)
            result = self._decided(table, decided[0], places, lambda values: values.max(1).indices, labels)
            narrow = torch.uint8 if max(self._decision.values) <= 255 else torch.uint16
            return _only(result, seen).to(narrow).cpu().numpy()
        marks = []
        for number, channel in enumerate(self._decision.channels):
            one = table[..., channel : channel + 1].contiguous()
            result = self._decided(one, decided[number], places, lambda values: self._ring.marked(values[:, 0]))
            marks.append(_only(result, seen).to(torch.uint8).cpu().numpy())
        return np.stack(marks)

    def _decided(
        self,
        table: torch.Tensor,
        decided: torch.Tensor,
        places: Places,
        decide: Decide,
        named: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """At `places`; decision n becomes `named[n]`, and what is at the end of it stays MIXED."""
        if self._route.is_whole:
            agreed = decided if named is None else named[decided.long()]
            return taken(agreed, [place.long() for place in places])
        agreed = merged(decided)
        if named is None:
            return interpolated(table, places, decide, agreed)
        # Named where they are few: voxels of the original grid are many times as many.
        return interpolated(table, places, lambda values: named[decide(values)], named[agreed.long()])


def _only(result: torch.Tensor, seen: list[torch.Tensor]) -> torch.Tensor:
    """`result` where all of `seen` say so, else 0."""
    for one in seen:
        result = result.masked_fill(~one, 0)
    return result
