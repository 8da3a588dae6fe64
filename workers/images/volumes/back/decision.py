"""How the values of a network become labels."""

from dataclasses import dataclass
from typing import Literal, Self

from workers.images.volumes.card import VolumeCard


@dataclass(frozen=True)
class Decision:
    """What is done with the channels of a network, each voxel of the original grid by itself.

    `kind` labels: the largest channel wins, the lowest of equal ones, and `values[channel]` is the label (0:
    background). `kind` marks: every channel of `channels` is marked where it is at least `threshold`.

    `activation` is done on the grid of the network, before interpolation, as MONAI's bundles do it; with `late` after
    it, as nnU-Net does it.
    """

    kind: Literal["labels", "marks"]
    channels: tuple[int, ...]
    values: tuple[int, ...]
    threshold: float = 0.5
    activation: Literal["softmax", "sigmoid", "none"] = "none"
    late: bool = False

    @classmethod
    def of(cls, card: VolumeCard) -> Self:
        """The decision of a model: marks for sigmoid, labels for softmax; none is labels of the values as they are, or
        marks where there is one channel only."""
        channels = tuple(one.channel for one in card.structures)
        marks = card.activation == "sigmoid" or (card.activation == "none" and card.outputs == 1)
        labels = {one.channel: one.label for one in card.structures}
        return cls(
            kind="marks" if marks else "labels",
            channels=channels if marks else tuple(range(card.outputs)),
            values=tuple(one.label for one in card.structures)
            if marks
            else tuple(labels.get(channel, 0) for channel in range(card.outputs)),
            threshold=card.threshold,
            activation=card.activation,
            late=card.late,
        )
