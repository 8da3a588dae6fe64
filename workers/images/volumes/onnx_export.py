"""Models on volumes as ONNX files, which the format `volume-onnx` reads as they are. Imports torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from schemas.errors import SpecError
from workers.contract import ModelCard, Placement
from workers.images.onnx_trace import traced
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.contract import VolumeFormat
from workers.images.volumes.formats.structures import BACKGROUND
from workers.images.volumes.formats.torch_volume import TorchVolume
from workers.models.detect import Formats
from workers.models.exported.network import ExportedNetwork
from workers.models.made import Exported

_SIDE = 32


def export(directory: Path, card: ModelCard, volume: VolumeCard) -> Exported:
    """The network from (n, channels, i, j, k) to logits, members and folds as one. The number of windows is free, sides
    only where there are no windows. Raises SpecError for a model that is no torch network."""
    model = Formats[VolumeFormat]("images")[card.format].load(directory, card, Placement("cpu", 1))
    if not isinstance(model, TorchVolume) or isinstance(model.network, ExportedNetwork):
        raise SpecError(f"{directory}: format {card.format!r} is an exported network already")
    sides = tuple(side or _SIDE for side in ((0, 0, 0) if volume.windows is None else volume.windows.roi))
    fixed = volume.windows is not None and min(volume.windows.roi) > 0
    free = {0: "n"} if fixed else {0: "n", 2: "i", 3: "j", 4: "k"}
    example = torch.zeros(1, volume.channels, *sides)
    dense = volume.task == "segmentation"
    return Exported(traced(model.network, example, free, "volume", dense=dense), _card(card, volume))


def _card(card: ModelCard, volume: VolumeCard) -> Mapping[str, Any]:
    kept = {key: value for key, value in volume.model_dump(mode="json").items() if key in _KEPT}
    found: dict[str, Any] = {
        "format": "volume-onnx",
        **kept,
        "head": {"activation": volume.activation, "labels": _labels(volume)},
        "outputs": [one.model_dump(mode="json") for one in card.outputs],
        "prepare": list(card.prepare),
        "value_range": None if card.value_range is None else list(card.value_range),
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


_KEPT = ("task", "windows", "structures", "threshold", "late", "clean", "air_below")


def _labels(volume: VolumeCard) -> list[str]:
    if volume.task == "classification":
        return list(volume.labels)
    named = {one.channel: one.name for one in volume.structures}
    rest = [BACKGROUND, *(f"channel {at}" for at in range(1, volume.outputs))]
    return [named.get(at, rest[at]) for at in range(volume.outputs)]
