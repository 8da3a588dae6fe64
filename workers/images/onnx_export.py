"""Networks of ours as ONNX files, which the format `onnx` reads as they are. Imports torch."""

import io
import warnings
from pathlib import Path
from typing import Any

import torch

from schemas.errors import SpecError
from workers import registry
from workers.contract import ModelCard
from workers.models.made import Exported
from workers.models.weights import build_network

_OPSET = 17
_SIDE = 64


def export(directory: Path, card: ModelCard) -> Exported:
    """The network from (n, channels, height, width) to (n, labels) logits, the number of images free, and the sizes
    where the network takes any. Raises SpecError for a format that is not `native`."""
    if card.format != "native":
        raise SpecError(f"{directory}: format {card.format!r} has no ONNX form: only networks of ours (native) have")
    built = build_network(directory, card, registry.networks("images"))
    exact = getattr(built.module, "exact_size", None)
    size = (_SIDE, _SIDE) if exact is None else exact(built.config)
    size = tuple(max(side, int(built.module.smallest_side(built.config))) for side in size)
    free = {0: "n"} if exact is not None else {0: "n", 2: "height", 3: "width"}
    sink = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing needs no further package, and says at each call that another is newer.
        warnings.simplefilter("ignore")
        _trace(built.network, torch.zeros(2, card.channels or 1, *size), sink, free)
    return Exported(sink.getvalue(), _card(card))


def _trace(network: Any, example: torch.Tensor, sink: io.BytesIO, free: dict[int, str]) -> None:
    torch.onnx.export(
        network,
        (example,),
        sink,  # type: ignore[arg-type]  # torch's annotation lacks files, which this exporter takes
        dynamo=False,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": free, "logits": {0: "n"}},
        opset_version=_OPSET,
    )


def _card(card: ModelCard) -> dict[str, Any]:
    head = {"activation": card.settings["activation"], "labels": list(card.settings["labels"])}
    found: dict[str, Any] = {"format": "onnx", "head": head, "outputs": [one.model_dump() for one in card.outputs]}
    if card.prepare:
        found["prepare"] = list(card.prepare)
    if card.value_range is not None:
        found["value_range"] = list(card.value_range)
    return found
