"""Planes of a network's values that labels still need."""

from dataclasses import dataclass

import torch

from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.route import Route

MOST_BYTES = 2**28
"""Bytes of values that are looked at together, if three planes have not more."""


@dataclass(frozen=True)
class _Piece:
    """Planes from `first` on: values (planes, rows, columns, channels), and what each voxel decides by itself, (1 or
    marks, planes, rows, columns)."""

    first: int
    values: torch.Tensor
    decided: torch.Tensor

    @property
    def end(self) -> int:
        return self.first + len(self.values)

    def without(self, before: int) -> "_Piece":
        """From plane `before` on. What is left is copied where it is less, so that the rest of the memory goes."""
        gone = before - self.first
        if gone <= 0:
            return self
        values, decided = self.values[gone:], self.decided[:, gone:]
        return (
            _Piece(before, values.clone(), decided.clone()) if gone > len(values) else _Piece(before, values, decided)
        )


class Ring:
    """Planes along one axis of the network's grid, channels last, each within a border of zeros, which stands for all
    that was cut away. Plane 0 is such a border, plane 1 the first of values; behind the last is another.
    """

    def __init__(self, route: Route, axis: int, decision: Decision, device: str) -> None:
        self._axes = [axis, *(other for other in range(3) if other != axis)]
        self._limits = [route.limits(one) for one in self._axes]
        self._decision, self._device = decision, device
        self._pieces: list[_Piece] = []
        self._next = 0
        self.known = 0
        """So many planes are known, forgotten ones included."""
        self.most = 3
        """So many planes may be looked at together."""

    def add(self, values: torch.Tensor) -> None:
        """The next planes, (channels, i, j, k)."""
        seen, self._next = self._next, self._next + values.shape[1 + self._axes[0]]
        (low, high), rows, columns = self._limits
        taken = values.permute(0, *(1 + axis for axis in self._axes))
        first, end = max(low - seen, 0), max(0, min(high, self._next) - seen)
        taken = taken[:, first:end, rows[0] : rows[1], columns[0] : columns[1]]
        if not self.known:
            bytes_of_plane = 4 * len(taken) * (taken.shape[2] + 2) * (taken.shape[3] + 2)
            self.most = max(3, MOST_BYTES // bytes_of_plane)
            self._keep(torch.zeros((len(taken), 1, *taken.shape[2:]), device=self._device))
        self._keep(taken)

    def end(self) -> None:
        """The border behind the last plane."""
        last = self._pieces[-1].values
        self._keep(last.new_zeros((last.shape[3], 1, last.shape[1] - 2, last.shape[2] - 2)))

    def span(self, low: float, high: float) -> tuple[int, int]:
        """First and last plane that places from `low` to `high` along the axis need, always two at least."""
        first, last = (int(one) for one in self._inside(torch.tensor([low, high]).double(), 0).tolist())
        last += self._inside(torch.tensor(high).double(), 0).item() > last
        if first == last:
            return (first - 1, last) if first else (first, last + 1)
        return first, last

    def counted(
        self, places: tuple[torch.Tensor, torch.Tensor, torch.Tensor], first: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Places on the network's grid as places in the planes from `first` on, and in their rows and columns."""
        plane, row, column = (self._inside(places[axis], number) for number, axis in enumerate(self._axes))
        return plane - first, row, column

    def planes(self, first: int, last: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Values (planes, rows, columns, channels), and what each voxel decides by itself: (1 or marks, planes, rows,
        columns)."""
        chosen = [(piece, slice(max(first - piece.first, 0), last + 1 - piece.first)) for piece in self._pieces]
        chosen = [(piece, part) for piece, part in chosen if part.stop > 0 and piece.end > first]
        if len(chosen) == 1:
            piece, part = chosen[0]
            return piece.values[part], piece.decided[:, part]
        values = torch.cat([piece.values[part] for piece, part in chosen])
        return values, torch.cat([piece.decided[:, part] for piece, part in chosen], 1)

    def forget(self, first: int | None) -> None:
        """Planes before `first` are not needed any more; None: no plane is."""
        # The newest stays: the border behind the last plane is as large.
        before = min(self.known - 1, self.known if first is None else first)
        self._pieces = [piece.without(before) for piece in self._pieces if piece.end > before]

    @property
    def held(self) -> int:
        """How many planes are held."""
        return sum(len(piece.values) for piece in self._pieces)

    def marked(self, values: torch.Tensor) -> torch.Tensor:
        """Whether a value is a mark."""
        if self._decision.late and self._decision.activation == "sigmoid":
            values = values.sigmoid()
        return values >= self._decision.threshold

    def _inside(self, place: torch.Tensor, number: int) -> torch.Tensor:
        low, high = self._limits[number]
        return (place - (low - 1)).clamp(0, high - low + 1)

    def _keep(self, planes: torch.Tensor) -> None:
        """(channels, planes, rows, columns), without their borders."""
        channels, count, rows, columns = planes.shape
        bordered = planes.new_zeros((count, rows + 2, columns + 2, channels))
        bordered[:, 1:-1, 1:-1] = planes.permute(1, 2, 3, 0)
        border = self._decided(planes.new_zeros((channels, 1, 1, 1)))
        decided = border.expand(-1, count, rows + 2, columns + 2).contiguous()
        decided[:, :, 1:-1, 1:-1] = self._decided(planes)
        if count:
            self._pieces.append(_Piece(self.known, bordered, decided))
            self.known += count

    def _decided(self, planes: torch.Tensor) -> torch.Tensor:
        """(1 or marks, planes, rows, columns) of (channels, planes, rows, columns)."""
        if self._decision.kind == "labels":
            # Of equal ones the first as well, and many times as fast as argmax over channels that lie apart.
            return planes.max(0, keepdim=True).indices.to(torch.int16)
        return self.marked(planes[list(self._decision.channels)]).to(torch.int16)
