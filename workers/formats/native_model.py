"""Loads and runs what workers.formats.native describes. Imports torch."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from schemas.errors import SpecError
from workers.contract import Affine, Array, ModelCard
from workers.formats.files import check_safetensors, validated
from workers.formats.head import by_column
from workers.formats.torch_device import ToTensor, memory_error, set_up
from workers.networks.fold import fold
from workers.registry import NETWORKS, resolve


class NativeModel:
    """A network of our own on one device.

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


def activate(logits: Tensor, activation: str) -> Tensor:
    """(N, labels) logits to scores on the device."""
    if activation == "sigmoid":
        return torch.sigmoid(logits)
    return torch.softmax(logits, dim=1) if activation == "softmax" else logits


def load(weights: Path, card: ModelCard, affine: Affine | None, device: str, threads: int) -> NativeModel:
    """See workers.formats.native.load."""
    set_up(threads)
    network, smallest_side = load_network(weights, card)
    folded = fold(network, device)
    with memory_error():
        folded.to(device)
    return NativeModel(folded, card, ToTensor(affine, device, card.channels, smallest_side))


def load_network(weights: Path, card: ModelCard) -> tuple[nn.Module, int]:
    """The network as its file builds it, with its weights, on the CPU; and the smallest image side it takes."""
    module = resolve(NETWORKS, card.settings["network"], "network")
    config = validated(module.Config, card.settings["settings"], f"{weights.parent}: settings")
    with torch.device("meta"):
        network: nn.Module = module.build(config)
    fill(network, read_tensors(weights), str(weights))
    return network, int(module.smallest_side(config))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a safetensors file. Raises SpecError or SecurityError for another kind of file."""
    check_safetensors(path)
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise SpecError(f"{path}: is not a safetensors file that can be read ({error})") from error
    return tensors


def fill(network: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Put the tensors into the network, names and shapes strictly equal, as float32 (counters as they are).

    Copied, since what safetensors gives may be a view of the file.
    """
    wanted = network.state_dict()
    missing, unexpected = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    wrong = [
        f"{name} is {list(tensors[name].shape)}, must be {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong)):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise SpecError(f"{where}: does not fit the network: {what}: {', '.join(names[:5])}{more}")
    cast = {name: tensor.to(wanted[name].dtype, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(cast, strict=True, assign=True)
