"""Networks of ours as ONNX files, which the format `onnx` reads as they are. Imports torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import SpecError
from workers import registry
from workers.contract import ModelCard
from workers.images.onnx_trace import traced
from workers.images.volumes.card import volume_card
from workers.images.volumes.onnx_export import export as export_volume
from workers.models.activation import activate
from workers.models.made import Exported
from workers.models.weights import build_network

_SIDE = 64


def export(directory: Path, card: ModelCard) -> Exported:
    """The network from (n, channels, height, width) to (n, labels) logits, or of several members to their mean scores.
    The number of images is free, and so are sizes where the network takes any. Of a model on volumes see
    `workers.images.volumes.onnx_export`. Raises SpecError for a format that has no such form."""
    volume = volume_card(card)
    if volume is not None:
        return export_volume(directory, card, volume)
    if card.format != "native":
        raise SpecError(f"{directory}: format {card.format!r} has no ONNX form: only networks of ours (native) have")
    members = [build_network(directory, card, registry.networks("images"), one) for one in card.settings["weights"]]
    built = members[0]
    network = built.network if len(members) == 1 else _Mean([one.network for one in members], card)
    exact = getattr(built.module, "exact_size", None)
    size = (_SIDE, _SIDE) if exact is None else exact(built.config)
    size = tuple(max(side, int(built.module.smallest_side(built.config))) for side in size)
    free = {0: "n"} if exact is not None else {0: "n", 2: "height", 3: "width"}
    example = torch.zeros(2, card.channels or 1, *size)
    return Exported(traced(network, example, free, "image"), _card(card))


class _Mean(nn.Module):
    """Mean scores of several networks."""

    def __init__(self, members: Sequence[nn.Module], card: ModelCard) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self._activation = card.settings["activation"]

    def forward(self, images: Tensor) -> Tensor:
        scores = [activate(member(images), self._activation) for member in self.members]
        return torch.stack(scores).mean(0)


def _card(card: ModelCard) -> dict[str, Any]:
    alone = len(card.settings["weights"]) == 1
    head = {"activation": card.settings["activation"] if alone else "none", "labels": list(card.settings["labels"])}
    found: dict[str, Any] = {"format": "onnx", "head": head, "outputs": [one.model_dump() for one in card.outputs]}
    if card.prepare:
        found["prepare"] = list(card.prepare)
    if card.value_range is not None:
        found["value_range"] = list(card.value_range)
    return found
