"""What a model format on volumes is held against, and what its loaded models do."""

from typing import TYPE_CHECKING, Protocol

from workers.contract import ScorerFormat
from workers.images.volumes.card import VolumeCard

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
