"""What a model format on volumes is held against, and what its loaded models do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from workers.contract import ScorerFormat
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.volume import Volume

if TYPE_CHECKING:
    import torch


class VolumeModel(Protocol):
    """A loaded network on one device."""

    @property
    def card(self) -> VolumeCard:
        """What it marks or tells, and how it wants to be shown a volume."""

    @property
    def device(self) -> str:
        """'cpu' or 'cuda'."""

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        """Logits of a batch of windows, both float32: (batch, channels, i, j, k) to (batch, outputs, i, j, k), or to
        (batch, outputs) for a classification. No activation, no mirroring.

        Raises MemoryError where the device ran out of memory, RecordError (out_of_contract) where the network cannot
        take windows of this size.
        """


VolumeFormat = ScorerFormat[VolumeModel]
"""There is no encoder: prepare steps of volumes make what a model takes."""


class SlabSink(Protocol):
    """Takes the logits of one volume as they become final, and makes of them what is kept."""

    def take(self, slab: "torch.Tensor") -> None:
        """The next rows of the model's grid along i: (outputs, rows, j, k) float32 logits, means over all windows.

        Rows follow those of the call before; in the end each came once. The tensor lies on the device of the
        accumulators, 'cpu' or 'cuda', which may change from call to call. On 'cuda' it is overwritten afterwards: what
        is kept is copied. Raises MemoryError, with nothing changed, where the device is short of memory: the same rows
        then come again on the CPU.
        """

    def finish(self) -> Any:
        """What is kept, after the last row: `Labels` or `Masks` (`workers.images.volumes.marked`) unless the sink
        says otherwise. Raises RecordError."""


OpenSink = Callable[[Volume, VolumeCard], SlabSink]
"""The sink for one prepared volume."""
