"""Torch networks on volumes behind `workers.images.volumes.contract.VolumeModel`. Imports torch."""

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import ModelCard
from workers.images.volumes.card import VolumeCard, volume_card
from workers.images.volumes.formats.fused import fused
from workers.models.memory import memory_error

_SMALL = 32
"""Voxels along a side of a window that a network is tried with."""
_REFUSALS = (AssertionError, IndexError, RuntimeError, ValueError)
"""What networks raise for windows that they cannot take."""


class TorchVolume:
    """A network from (N, channels, i, j, k) to (N, outputs, i, j, k) or (N, outputs) logits, on one device."""

    def __init__(self, network: nn.Module, card: VolumeCard, device: str) -> None:
        self.card = card
        self.device = device
        self.network = network

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of windows, (N, channels, i, j, k) float32 on any device. What is raised stands in the contract,
        workers.images.volumes.contract.VolumeModel."""
        if windows.shape[1] != self.card.channels:
            detail = f"the model takes {self.card.channels} channel(s), the prepared volume has {windows.shape[1]}"
            raise RecordError(Status.OUT_OF_CONTRACT, detail)
        with memory_error(), torch.inference_mode():
            try:
                logits = cast(Tensor, self.network(windows.to(self.device)))
            except _REFUSALS as error:
                sides = tuple(windows.shape[2:])
                if isinstance(error, torch.OutOfMemoryError) or _answer(self.network, windows.shape) is not None:
                    raise
                detail = f"the network takes no window of {' x '.join(map(str, sides))} voxels: pad or resample to one"
                raise RecordError(Status.OUT_OF_CONTRACT, detail) from None
        wanted = 2 if self.card.task == "classification" else 5
        if logits.ndim != wanted:
            raise SpecError(
                f"the network gives {logits.ndim} dimensions, a {self.card.task} has {wanted}: correct task in the card"
            )
        return logits


class CpuVolume(TorchVolume):
    """The same on processors, where channels that lie together may be faster: `workers.pipeline.tuning.HasLayouts`."""

    def configure(self, channels_last: bool) -> None:
        """Use this layout from now on."""
        layout = torch.channels_last_3d if channels_last else torch.contiguous_format
        self.network.to(memory_format=layout)  # type: ignore[call-overload]  # torch types only 4-d tensors so


class MeanLogits(nn.Module):
    """The mean of several networks' logits."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, windows: Tensor) -> Tensor:
        """(N, channels, i, j, k) to logits. One network after the other, and one sum."""
        total = self.members[0](windows)
        for member in self.members[1:]:
            total = total + member(windows)
        return cast(Tensor, total / len(self.members))


class MeanProbabilities(nn.Module):
    """Logits whose softmax, or sigmoid, is the mean of several networks' probabilities."""

    def __init__(self, members: Sequence[nn.Module], activation: str) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self._is_softmax = activation == "softmax"

    def forward(self, windows: Tensor) -> Tensor:
        """(N, channels, i, j, k) to logits. Of probabilities of 0 and 1 too they are finite: sums are taken of
        logarithms."""
        logits = torch.stack([member(windows) for member in self.members])
        if self._is_softmax:
            return torch.logsumexp(torch.log_softmax(logits, 2), 0)
        log_sigmoid = nn.functional.logsigmoid
        return torch.logsumexp(log_sigmoid(logits), 0) - torch.logsumexp(log_sigmoid(-logits), 0)


def torch_volume(members: Sequence[nn.Module], card: ModelCard, device: str, where: str) -> TorchVolume:
    """One network, or the mean of several that `card.settings["mean"]` names.

    Raises SpecError where windows of the card's size are not what the network takes or gives.
    """
    volume = volume_card(card)
    if volume is None:
        raise SpecError(f"{where}: is a model on single images, not on volumes")
    network = members[0]
    if len(members) > 1:
        of_logits = card.settings["mean"] == "logits"
        network = MeanLogits(members) if of_logits else MeanProbabilities(members, volume.activation)
    network = network.eval().requires_grad_(False)
    _check(network, volume, where)
    with memory_error():
        network.to(device)
    if device != "cpu":
        return TorchVolume(network, volume, device)
    return CpuVolume(fused(network, _example(network, volume)), volume, device)


def _example(network: nn.Module, card: VolumeCard) -> Tensor | None:
    """A made window that the network takes, small where it takes small ones; None where none is known."""
    roi = [side if side > 0 else _SMALL for side in (card.windows.roi if card.windows else (0, 0, 0))]
    for sides in ([min(side, _SMALL) for side in roi], roi):
        if _answer(network, (1, card.channels, *sides)) is not None:
            return torch.rand((1, card.channels, *sides), generator=torch.Generator().manual_seed(0))
    return None


def _check(network: nn.Module, card: VolumeCard, where: str) -> None:
    # Where it is below 1 a window is as long as the volume.
    if card.windows is None or min(card.windows.roi) < 1:
        return
    roi = card.windows.roi
    shape = (1, card.channels, *roi)
    wanted = (1, card.outputs, *roi) if card.task == "segmentation" else (1, card.outputs)
    answer = _answer(network, shape)
    if answer != wanted:
        # What has no arithmetic-free form is tried in earnest before it is refused.
        answer = _tried(network, torch.zeros(shape))
    said = " x ".join(map(str, roi))
    if answer is None:
        raise SpecError(f"{where}: the network takes no window of {said} voxels: correct windows.roi in the card")
    if answer != wanted:
        raise SpecError(
            f"{where}: of a window of {said} voxels the network gives {list(answer)}, must give {list(wanted)}: "
            "correct task, labels or windows.roi in the card"
        )


def _answer(network: nn.Module, shape: Sequence[int]) -> tuple[int, ...] | None:
    """The shape of what comes out for windows of a shape, found without arithmetic; None where they do not fit."""
    tensors = (*network.parameters(), *network.buffers())
    # A copy that shares all but the numbers, which it has none of.
    memo = {id(one): _without_numbers(one) for one in tensors}
    with torch.device("meta"):
        return _tried(copy.deepcopy(network, memo), torch.empty(tuple(shape), device="meta"))


def _without_numbers(one: Tensor) -> Tensor:
    empty = torch.empty_like(one, device="meta")
    return nn.Parameter(empty, requires_grad=False) if isinstance(one, nn.Parameter) else empty


def _tried(network: nn.Module, windows: Tensor) -> tuple[int, ...] | None:
    with torch.inference_mode():
        try:
            found = network(windows)
        except _REFUSALS:
            return None
    return tuple(found.shape) if isinstance(found, Tensor) else ()
