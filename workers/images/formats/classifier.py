"""A torch network that gives one score a label, behind workers.contract.Model."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from schemas.errors import RecordError
from workers.contract import Array, ModelCard
from workers.images.formats.to_tensor import ToTensor
from workers.models.activation import activate
from workers.models.head import by_column
from workers.models.memory import memory_error

_PROBE = 64
"""Rows and columns of the image that shows how a network grows."""


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
        self._growth: float | None = None
        self.configure(channels_last=True)

    def configure(self, channels_last: bool) -> None:
        """Lay weights and batches out with the channels last, or not."""
        layout: Any = torch.channels_last if channels_last else torch.contiguous_format
        self._network.to(memory_format=layout)  # type: ignore[call-overload]  # torch types only 4-d tensors so
        self.channels_last = channels_last

    def batch_key(self, array: Array) -> Hashable:
        """Shape and type: only equal ones stack."""
        return array.shape, array.dtype.str

    def bytes_needed(self, array: Array) -> int:
        """Its copy in float32, and what the largest layer takes and gives, which grows as the image does."""
        if self._growth is None:
            self._growth = _growth(self._network, self._to_tensor)
        return int(4 * array.size * (1 + self._growth))

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Array]:
        """Scores by column, (N,) float32 each. See workers.contract.Model."""
        with memory_error(), torch.inference_mode():
            logits = self._network(self._to_tensor(batch, self.channels_last))
            scores: Array = activate(logits, self._activation).cpu().numpy()
        return by_column(self.outputs, scores)


def _growth(network: nn.Module, to_tensor: ToTensor) -> float:
    """The most values that a layer takes and gives, as a multiple of the image's; 0 where small images cannot tell."""
    most = 0

    def note(module: nn.Module, given: Any, result: Any) -> None:
        nonlocal most
        tensors = [part for part in (*given, result) if isinstance(part, torch.Tensor)]
        most = max(most, sum(tensor.numel() for tensor in tensors))

    side = max(_PROBE, to_tensor.smallest_side)
    hooks = [module.register_forward_hook(note) for module in network.modules() if not list(module.children())]
    try:
        probe = torch.zeros(1, to_tensor.channels or 1, side, side, device=to_tensor.device)
        with memory_error(), torch.inference_mode():
            network(probe)
    except (RecordError, RuntimeError, MemoryError):
        # It takes images of one size, which no image is too large for.
        return 0.0
    finally:
        for hook in hooks:
            hook.remove()
    return most / probe.numel()
