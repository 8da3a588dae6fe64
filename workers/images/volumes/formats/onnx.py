"""A model on volumes as an ONNX graph: `model.onnx`, or the file that is named, with its card, `wardround.json`.

    {"format": "volume-onnx", "format_version": 1, "file": "model.onnx", "output": "logits",
     "task": "segmentation", "head": {...}, "windows": {...}, ...}

Keys are those of `workers.images.volumes.formats.native`. The graph has one input (n, channels, i, j, k) of floats; its
sizes may be free or fixed, and where they are fixed windows are of that size. `output` names which of several is read:
(n, outputs, i, j, k), or (n, outputs) of a classification; logits, to which the activation of `head` is applied.
"""

from pathlib import Path
from typing import Literal

from schemas.errors import SpecError
from schemas.loading import validate
from workers.contract import ModelCard, Placement
from workers.images.formats.onnx import CARD, check_external
from workers.images.formats.onnx_file import OnnxGraph, Value, read_graph
from workers.images.volumes.contract import VolumeFormat, VolumeModel
from workers.images.volumes.formats.keys import NamedFormat, VolumeKeys, card_of, roi_of
from workers.models.files import confined, read_json

NAME = "volume-onnx"


class OnnxVolumeCard(VolumeKeys):
    """`wardround.json`."""

    format: Literal["volume-onnx"]
    format_version: Literal[1] = 1
    file: str = "model.onnx"
    output: str | None = None
    notes: str = ""


class OnnxVolumes(NamedFormat):
    """One ONNX graph of five dimensions with its card."""

    def describe(self, directory: Path) -> ModelCard:
        """The card from the graph and `wardround.json`. Raises SpecError where they do not fit each other,
        SecurityError for weights outside the directory."""
        where = str(directory / CARD)
        card = validate(OnnxVolumeCard, read_json(directory / CARD), where)
        path = confined(directory, card.file)
        graph = read_graph(path)
        check_external(directory, graph)
        taken = _taken(graph, path)
        given = _given(graph, card, path)
        channels = taken.shape[1]
        if channels is None:
            raise SpecError(f"{path}: leaves free how many channels go in: save it with a fixed number")
        roi_of(card, taken.shape[2:], where)
        outputs = given.shape[1] if len(given.shape) > 1 else None
        if outputs not in (None, len(card.head.labels)):
            raise SpecError(f"{where}: head has {len(card.head.labels)} labels, the graph gives {outputs} channels")
        settings = {"file": card.file, "graph_output": given.name}
        return card_of(card, channels, settings, NAME, where)

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
        """An onnxruntime session. Raises SpecError if it cannot be loaded."""
        from workers.images.volumes.formats import onnx_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        path = confined(directory, card.settings["file"])
        check_external(directory, read_graph(path))
        return onnx_loaded.load(path, card, placement)


def _taken(graph: OnnxGraph, path: Path) -> Value:
    if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 5:
        raise SpecError(f"{path}: must have one input, of five dimensions (n, channels, i, j, k)")
    if graph.inputs[0].is_uint8:
        raise SpecError(f"{path}: takes bytes, and prepared volumes are floats: save it with an input of floats")
    return graph.inputs[0]


def _given(graph: OnnxGraph, card: OnnxVolumeCard, path: Path) -> Value:
    by_name = {one.name: one for one in graph.outputs}
    name = card.output or (graph.outputs[0].name if len(graph.outputs) == 1 else "")
    if name not in by_name:
        raise SpecError(f"{path}: 'output' in {CARD} must be one of the graph's: {', '.join(by_name)}")
    found = by_name[name]
    wanted = 5 if card.task == "segmentation" else 2
    if found.shape and len(found.shape) != wanted:
        raise SpecError(f"{path}: output {name!r} has {len(found.shape)} dimensions, a {card.task} needs {wanted}")
    return found


FORMAT: VolumeFormat = OnnxVolumes(NAME)
