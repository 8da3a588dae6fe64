"""Where the sums over windows are kept: on the network's device, or in the processor's memory once that is short."""

from collections.abc import Iterable

import torch
from torch import Tensor

from workers.images.volumes.card import VolumeCard
from workers.images.volumes.volume import Shape3
from workers.images.volumes.windows.finished import Tally
from workers.images.volumes.windows.places import Cut
from workers.images.volumes.windows.ring import Ring
from workers.images.volumes.windows.weights import weights
from workers.models.memory import memory_error


class Sums:
    """Opens a ring for each volume of one model."""

    def __init__(self, card: VolumeCard, device: str, tally: Tally) -> None:
        self.device = device
        self._card = card
        self._tally = tally
        self._weights: dict[Shape3, Tensor | None] = {}

    def open(self, cut: Cut) -> Ring:
        """The ring of one volume, in the processor's memory where it does not fit elsewhere.

        Raises MemoryError where it does not fit there either.
        """
        weights = self._of(cut.roi)
        try:
            with memory_error():
                return Ring(self._card.outputs, cut, weights, self.device)
        except MemoryError:
            if self.device == "cpu":
                raise
        self._tally.moved += 1
        with memory_error():
            return Ring(self._card.outputs, cut, weights, "cpu")

    def leave_device(self, rings: Iterable[Ring]) -> bool:
        """Keep these rings, and all to come, in the processor's memory. False where that is so already."""
        if self.device == "cpu":
            return False
        self.device = "cpu"
        self._tally.moved += 1
        for ring in rings:
            ring.move("cpu")
        self._weights.clear()
        torch.cuda.empty_cache()
        return True

    def _of(self, roi: Shape3) -> Tensor | None:
        if roi not in self._weights:
            # Where windows are whole volumes, each would leave its own.
            self._weights.clear()
            self._weights[roi] = weights(self._card.windows, roi, self.device)
        return self._weights[roi]
