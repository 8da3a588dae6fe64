"""One volume on its way through a network: where its windows come from, and where their logits go."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.contract import OpenSink, SlabSink
from workers.images.volumes.volume import Shape3, Volume
from workers.images.volumes.windows.finished import Finished
from workers.images.volumes.windows.gather import Gather
from workers.images.volumes.windows.places import cut
from workers.images.volumes.windows.ring import Ring
from workers.images.volumes.windows.sums import Sums
from workers.models.memory import memory_error


class Passage:
    """A volume from its first window to what its sink keeps. A fault ends it."""

    def __init__(self, key: Hashable, volume: Volume, card: VolumeCard, device: str) -> None:
        """`device` is that of the network."""
        self.key = key
        self.fault: Fault | None = None
        self.value: Any = None
        self.held_bytes = volume.voxels.nbytes
        self.ring: Ring | None = None
        self._card = card
        self._device = device
        self._volume: Volume | None = volume
        self._sink: SlabSink | None = None
        self._source: Gather | None = None
        self.cut = cut(card.windows, volume.grid.shape)
        self._left = self.cut.count
        try:
            check(volume, card)
            self.host = Gather(volume.voxels, self.cut, card.windows)
        except RecordError as error:
            self.refuse(error)

    @property
    def is_done(self) -> bool:
        """Whether nothing is to come any more."""
        return self.fault is not None or not self._left

    @property
    def finished(self) -> Finished:
        """What came of it."""
        return Finished(self.key, self.value, self.fault)

    def refuse(self, error: RecordError) -> None:
        """End it with a fault; the first one counts."""
        self.fault = self.fault or Fault(Status(error.status), error.detail)
        self._let_go()

    def write(self, start: Shape3, target: Any) -> None:
        """Write the voxels of a window to `target`, on the network's device."""
        if self._source is None:
            self._source = self.host if self._device == "cpu" else self._on_device()
        self._source.into(target, start)

    def accept(self, start: Shape3, logits: Tensor, open_sink: OpenSink, sums: Sums) -> None:
        """Take the logits of the next window, (outputs, *roi)."""
        try:
            with memory_error():
                if self._sink is None:
                    assert self._volume is not None
                    self._sink = open_sink(self._volume, self._card)
                    self.ring = sums.open(self.cut)
                self._take(start, logits)
        except RecordError as error:
            self.refuse(error)
        except MemoryError:
            self.refuse(RecordError(Status.TOO_LARGE, "there is no memory left for the logits of this volume"))

    def _take(self, start: Shape3, logits: Tensor) -> None:
        assert self.ring is not None
        assert self._sink is not None
        self._hand_out(start[0])
        self.ring.add(start, logits.to(self.ring.device))
        self._left -= 1
        if not self._left:
            self._hand_out(self.cut.padded[0])
            self.value = self._sink.finish()
            self._let_go()

    def _hand_out(self, before: int) -> None:
        """Give the sink all rows that no window to come touches."""
        assert self.ring is not None
        assert self._sink is not None
        for slab in self.ring.before(before):
            if slab.amax().isnan():
                raise RecordError(Status.INVALID_OUTPUT, "the network gave values that are no numbers")
            try:
                with memory_error():
                    self._sink.take(slab)
            except MemoryError:
                if self.ring.device == "cpu":
                    raise
                self._sink.take(slab.cpu())

    def _on_device(self) -> Gather:
        # In its own type, which may be narrower than what it becomes there.
        there = torch.from_numpy(np.ascontiguousarray(self.host.voxels)).to(self._device)
        return Gather(there.float(), self.cut, self._card.windows)

    def _let_go(self) -> None:
        self._volume = self._sink = self._source = self.ring = None
        self.held_bytes = 0


def check(volume: Volume, card: VolumeCard) -> None:
    """Raises RecordError where a volume is not one that the model takes."""
    channels = volume.voxels.shape[0]
    if channels != card.channels:
        raise RecordError(
            Status.OUT_OF_CONTRACT,
            f"the model takes {card.channels} channel(s), the prepared volume has {channels}: correct its number in "
            "the model directory, or let the step `channels` repeat them",
        )
    if 0 in volume.grid.shape:
        raise RecordError(Status.EMPTY, "the volume has no voxels")
