"""What is kept of logits on the model's own grid: labels, masks, or the logits themselves."""

import numpy as np
import torch
from torch import Tensor

from workers.contract import Array
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.contract import SlabSink
from workers.images.volumes.marked import Labels, Masks, no_labels, no_masks
from workers.images.volumes.volume import Volume
from workers.models.activation import activate


def open_sink(volume: Volume, card: VolumeCard) -> SlabSink:
    """Labels where a voxel has one structure, masks where it may have several (`Decision.of` says which)."""
    return MaskSink(volume, card) if Decision.of(card).kind == "marks" else LabelSink(volume, card)


class LabelSink:
    """The structure of the channel with the largest logit; of equal ones the first, as numpy and torch have it."""

    def __init__(self, volume: Volume, card: VolumeCard) -> None:
        self._card = card
        self._labels = no_labels(card, volume.grid.shape)
        self._table = torch.zeros(card.outputs, dtype=torch.int32)
        for one in card.structures:
            self._table[one.channel] = one.label
        self._row = 0

    def take(self, slab: Tensor) -> None:
        """The next rows of logits."""
        # Of equal ones the first as well, and six times as fast as argmax over channels that lie apart.
        channels = slab.max(dim=0).indices
        rows = slice(self._row, self._row + slab.shape[1])
        self._labels[rows] = self._table.to(slab.device)[channels].cpu().numpy()
        self._row = rows.stop

    def finish(self) -> Labels:
        """The label map."""
        return Labels(self._labels, self._card)


class MaskSink:
    """Each structure where its channel's probability, or its value where there is no activation, reaches the
    threshold."""

    def __init__(self, volume: Volume, card: VolumeCard) -> None:
        self._card = card
        self._planes = no_masks(card, volume.grid.shape)
        self._row = 0

    def take(self, slab: Tensor) -> None:
        """The next rows of logits."""
        rows = slice(self._row, self._row + slab.shape[1])
        found = np.zeros((self._planes.shape[0], *slab.shape[1:]), np.uint8)
        for number, one in enumerate(self._card.structures):
            values = activate(slab[one.channel], self._card.activation)
            marked = (values >= self._card.threshold).to(torch.uint8).cpu().numpy()
            found[number // 8] |= marked << np.uint8(number % 8)
        self._planes[:, rows] = found
        self._row = rows.stop

    def finish(self) -> Masks:
        """All masks."""
        return Masks(self._planes, self._card)


class LogitsSink:
    """All logits, for comparisons: as much memory as the ring saves."""

    def __init__(self, volume: Volume, card: VolumeCard) -> None:
        self._logits = np.empty((card.outputs, *volume.grid.shape), np.float32)
        self._row = 0

    def take(self, slab: Tensor) -> None:
        """The next rows of logits."""
        rows = slice(self._row, self._row + slab.shape[1])
        self._logits[:, rows] = slab.cpu().numpy()
        self._row = rows.stop

    def finish(self) -> Array:
        """(outputs, i, j, k) float32."""
        return self._logits
