"""From the logits of a network, slab by slab, to labels on the grid that the volume was read from. Imports torch."""

from typing import Any

import numpy as np
import torch

from workers.contract import Array
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.slabs import LabelSlabs, Slab
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.marked import Labels, Masks, no_labels, no_masks
from workers.images.volumes.volume import Volume


class MarkSink:
    """Implements `workers.images.volumes.contract.SlabSink`: neither logits nor probabilities ever exist on the
    original grid, only what they decide."""

    def __init__(self, volume: Volume, card: VolumeCard, device: str) -> None:
        self._card = card
        self._decision = Decision.of(card)
        original = volume.back[0].before if volume.back else volume.grid
        self._way = LabelSlabs(volume.back, volume.grid, self._decision, axis=0, device=device)
        is_marks = self._decision.kind == "marks"
        self._marks: Array = no_masks(card, original.shape) if is_marks else no_labels(card, original.shape)

    def take(self, slab: torch.Tensor) -> None:
        """The next rows of the network's grid along i."""
        for done in self._way.feed(slab):
            self._place(done)

    def finish(self) -> Any:
        """`Labels`, or `Masks` where structures may overlap."""
        for done in self._way.finish():
            self._place(done)
        return (Masks if self._decision.kind == "marks" else Labels)(self._marks, self._card)

    def _place(self, slab: Slab) -> None:
        is_marks = self._decision.kind == "marks"
        depth = slab.labels.shape[slab.axis + is_marks]
        where = tuple(slice(slab.start, slab.start + depth) if axis == slab.axis else slice(None) for axis in range(3))
        if not is_marks:
            self._marks[where] = slab.labels
            return
        for number, mask in enumerate(slab.labels):
            self._marks[(number // 8, *where)] |= (mask << number % 8).astype(np.uint8)
