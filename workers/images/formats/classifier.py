"""A torch network that gives one score a label, behind workers.contract.Model."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from workers.contract import Array, ModelCard
from workers.images.formats.to_tensor import ToTensor
from workers.models.activation import activate
from workers.models.device import memory_error
from workers.models.head import by_column


class TorchClassifier:
    """A network from (N, C, H, W) images to (N, labels) logits, on one device.

    `layouts` are the memory layouts it can run in; `configure` chooses. Both give the same answer within rounding.
    """

    layouts = ("contiguous", "channels_last")

    def __init__(self, network: nn.Module, card: ModelCard, to_tensor: ToTensor) -> None:
        self.outputs = card.outputs
        self.channels_last = False
        self._network = network
        self._activation = card.settings["activation"]
        self._to_tensor = to_tensor
        self.configure(channels_last=True)

    def configure(self, channels_last: bool) -> None:
        """Lay weights and batches out with the channels last, or not."""
        layout: Any = torch.channels_last if channels_last else torch.contiguous_format
        self._network.to(memory_format=layout)  # type: ignore[call-overload]  # torch types only 4-d tensors so
        self.channels_last = channels_last

    def batch_key(self, array: Array) -> Hashable:
        """Shape and type: only equal ones stack."""
        return array.shape, array.dtype.str

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Array]:
        """Scores by column, (N,) float32 each. See workers.contract.Model."""
        with memory_error(), torch.inference_mode():
            logits = self._network(self._to_tensor(batch, self.channels_last))
            scores: Array = activate(logits, self._activation).cpu().numpy()
        return by_column(self.outputs, scores)
