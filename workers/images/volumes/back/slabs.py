"""Labels on the original grid from slabs of a network's values, without values on the original grid ever existing."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from workers.contract import Array
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.volume import Grid, StepBack


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

    Equal, voxel for voxel, to MONAI's `Activations`, `Invert` with `nearest_interp=False`, `AsDiscrete`. Holds the
    planes that further labels need: two or three planes of the network's grid beside those fed last, channels and all.

        way = LabelSlabs(volume.back, volume.grid, Decision.of(card), axis=2, device="cuda")
        for values in windows:                # (channels, i, j, a few planes of k), in order
            for slab in way.feed(values): ...
        for slab in way.finish(): ...
    """

    def __init__(
        self, back: Sequence[StepBack], model: Grid, decision: Decision, *, axis: int = 2, device: str = "cpu"
    ) -> None:
        """`model` is the grid of the values, `axis` the one of 0, 1, 2 along which slabs follow one another."""
        raise NotImplementedError

    def feed(self, slab: torch.Tensor) -> list[Slab]:
        """The next planes of values, (channels, i, j, k) on any device: float32, or half precision, which becomes
        float32. They may come in any numbers of planes. Slabs come along one axis of the original grid, each once,
        in ascending or, where that axis is flipped, in descending order."""
        raise NotImplementedError

    def finish(self) -> list[Slab]:
        """What is left, once all planes were fed; ValueError where some were not."""
        raise NotImplementedError
