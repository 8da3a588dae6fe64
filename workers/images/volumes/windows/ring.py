"""Weighted sums of logits over windows, of those rows alone that windows still to come may touch."""

from collections.abc import Iterator

import torch
from torch import Tensor

from workers.images.volumes.volume import Shape3
from workers.images.volumes.windows.places import Cut

MOST_BYTES = 2**25
"""Means of so many bytes are handed out at a time, if one row has not more."""


class Ring:
    """Sums of one volume along its first axis, as a ring of `cut.depth` rows.

    Windows come in the order of `cut`. Sums are float32, window by window in that order, as MONAI's are, whatever the
    batches were. Raises MemoryError (inside `workers.models.memory.memory_error`) where it does not fit.
    """

    def __init__(self, outputs: int, cut: Cut, weights: Tensor | None, device: str) -> None:
        self._cut = cut
        self._weights = None if weights is None else weights.to(device)
        self._sums = torch.zeros((outputs, cut.depth, *cut.padded[1:]), device=device)
        self._counts = torch.zeros((cut.depth, *cut.padded[1:]), device=device)
        self._weighed: Tensor | None = None
        self._first = 0
        """The first row that was not handed out."""

    @property
    def elements(self) -> int:
        """Numbers that are held."""
        return self._sums.numel() + self._counts.numel()

    @property
    def device(self) -> str:
        """'cpu' or 'cuda'."""
        return self._sums.device.type

    def move(self, device: str) -> None:
        """Keep the sums there from now on."""
        self._sums, self._counts = self._sums.to(device), self._counts.to(device)
        self._weights = None if self._weights is None else self._weights.to(device)
        self._weighed = None

    def add(self, start: Shape3, logits: Tensor) -> None:
        """Add the logits of a window, (outputs, *roi); all rows before it must have been handed out."""
        _, *sides = (slice(first, first + side) for first, side in zip(start, self._cut.roi, strict=True))
        for rows, of in self._parts(start[0], start[0] + self._cut.roi[0]):
            sums, counts, part = self._sums[:, rows, *sides], self._counts[rows, *sides], logits[:, of]
            if self._weights is None:
                sums.add_(part)
                counts.add_(1.0)
            else:
                # Not in one step: that rounds once less than MONAI does.
                sums.add_(self._room(part).copy_(part).mul_(self._weights[of]))
                counts.add_(self._weights[of])

    def _room(self, part: Tensor) -> Tensor:
        """Where a part of a window is weighed: the same memory each time, in the order of the sums, which that of what
        a network gives may not be."""
        if self._weighed is None or self._weighed.shape != part.shape:
            self._weighed = self._sums.new_empty(part.shape)
        return self._weighed

    def before(self, row: int) -> Iterator[Tensor]:
        """Hand out the means of all rows before this one, once, some rows at a time: (outputs, rows, j, k), without
        padding.

        In the processor's memory they are the caller's own; on a device, where there may be room for no second copy,
        they are valid until the next is asked for.
        """
        for rows in self._pieces(row):
            sums, counts = self._sums[:, rows], self._counts[rows]
            means = sums / counts if self.device == "cpu" else sums.div_(counts)
            inside = self._inside(means, self._first)
            if inside.shape[1]:
                yield inside
            self._sums[:, rows] = 0
            self._counts[rows] = 0
            self._first += rows.stop - rows.start

    def _pieces(self, end: int) -> Iterator[slice]:
        """Rows from the first that was not handed out to before `end`, as they lie in the ring, few at a time."""
        many = max(1, MOST_BYTES // (self._sums.element_size() * self._sums[:, 0].numel()))
        for rows, _ in self._parts(self._first, end):
            for first in range(rows.start, rows.stop, many):
                yield slice(first, min(first + many, rows.stop))

    def _inside(self, means: Tensor, first: int) -> Tensor:
        """The part of some rows that is no padding."""
        cut = self._cut
        low = max(0, cut.before[0] - first)
        high = max(low, min(means.shape[1], cut.before[0] + cut.shape[0] - first))
        j, k = (slice(cut.before[axis], cut.before[axis] + cut.shape[axis]) for axis in (1, 2))
        return means[:, low:high, j, k]

    def _parts(self, first: int, end: int) -> Iterator[tuple[slice, slice]]:
        """Rows from `first` to before `end` as they lie in the ring, each with its place counted from `first`."""
        row = first
        while row < end:
            at = row % self._cut.depth
            length = min(end - row, self._cut.depth - at)
            yield slice(at, at + length), slice(row - first, row - first + length)
            row += length
