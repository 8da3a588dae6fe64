"""What a volume on its way through a network takes of memory; imports no torch."""

import math

from workers.images.volumes.card import VolumeCard
from workers.images.volumes.volume import Shape3
from workers.images.volumes.windows.places import Cut, cut

_FLOAT = 4


def sums_elements(outputs: int, windows: Cut) -> int:
    """Numbers in the sums over windows: logits, and one weight a voxel."""
    return (outputs + 1) * windows.depth * math.prod(windows.padded[1:])


def bytes_needed(card: VolumeCard, shape: Shape3, batch: int = 1) -> int:
    """At least so many bytes are taken while a prepared volume of this shape is scored: its voxels, sums of logits over
    windows, and a batch of windows with its logits; not what lies between the network's layers."""
    windows = cut(card.windows, shape)
    shown = batch * (card.channels + card.outputs) * math.prod(windows.roi)
    sums = sums_elements(card.outputs, windows) if card.task == "segmentation" else 0
    return _FLOAT * (card.channels * math.prod(shape) + sums + shown)
