"""A directory with one ONNX model: `model.onnx`, or whatever single `*.onnx` file lies there.

Beside it may lie a card, `wardround.json`; every key may be left out:
    {"format": "onnx", "format_version": 1, "file": "model.onnx",
     "layout": "NCHW",            or NHWC
     "head": {"activation": "softmax", "labels": [...]}, "output": "logits",   which graph output the head reads
     "outputs": [...], "prepare": [...],
     "value_range": [0, 1]}       the smallest and largest value that the graph takes, after all steps
With a head the columns are `score_<label>`. Without one each output of the graph is a column of its own name:
of the type that `outputs` gives, else `list<float32>`, the output flattened in C order. `object<npy>` and `object<png>`
write what the graph gives for an image, such as a heat map or a mask, as a file beside the rows.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import Model, ModelCard, Placement
from workers.images.contract import ImageFormat
from workers.images.formats.onnx_file import OnnxGraph, read_graph
from workers.images.value_contract import EIGHT_BITS
from workers.models.files import confined, read_json
from workers.models.head import Head, check_fields

CARD = "wardround.json"


class OnnxCard(Frozen):
    """`wardround.json`. `output` is needed only where the graph has several and there is a head."""

    format: Literal["onnx"] = "onnx"
    format_version: Literal[1] = 1
    file: str | None = None
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    head: Head | None = None
    output: str | None = None
    outputs: tuple[OutputField, ...] = ()
    prepare: tuple[str | dict[str, Any], ...] = ()
    value_range: tuple[float, float] | None = None
    notes: str = ""


class Onnx:
    """One ONNX graph, with a card or without."""

    looks_for = "one *.onnx file"

    def recognises(self, directory: Path) -> bool:
        """Whether there is an ONNX file, and no card of another format."""
        card = directory / CARD
        if card.is_file():
            return bool(read_json(card).get("format", "onnx") == "onnx")
        return any(directory.glob("*.onnx"))

    def describe(self, directory: Path) -> ModelCard:
        """The card from the file's own graph and `wardround.json`.

        Raises SpecError, or SecurityError for stray files.
        """
        card_path = directory / CARD
        card = validate(OnnxCard, read_json(card_path), str(card_path)) if card_path.is_file() else OnnxCard()
        path = _model_file(directory, card)
        graph = read_graph(path)
        check_external(directory, graph)
        if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 4:
            raise SpecError(
                f"{path}: must have one input, of four dimensions ({card.layout}); it has {len(graph.inputs)}. One of "
                f"five dimensions, on volumes, needs a {CARD} with format: volume-onnx (docs/models.md)"
            )
        outputs, read = _outputs(card, graph, path)
        return ModelCard(
            format="onnx",
            outputs=outputs,
            prepare=card.prepare,
            channels=graph.inputs[0].shape[1 if card.layout == "NCHW" else 3],
            value_range=card.value_range or (EIGHT_BITS if graph.inputs[0].is_uint8 else None),
            settings={
                "file": path.name,
                "layout": card.layout,
                "activation": card.head.activation if card.head else None,
                "graph_outputs": list(read),
            },
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Model:
        """An onnxruntime session. Raises SpecError if it cannot be loaded."""
        from workers.images.formats import onnx_loaded  # noqa: PLC0415 - imports onnxruntime, which the driver has no use for

        check_external(directory, read_graph(directory / card.settings["file"]))
        return onnx_loaded.load(directory / card.settings["file"], card, placement)


def check_external(directory: Path, graph: OnnxGraph) -> None:
    """Raises SecurityError if weights lie outside the directory, SpecError if they are not there."""
    for name in graph.external:
        path = confined(directory, name)
        if not path.is_file():
            raise SpecError(f"{path}: holds weights of the ONNX model and is not there")


def _model_file(directory: Path, card: OnnxCard) -> Path:
    if card.file is not None:
        path = confined(directory, card.file)
        if path.parent != directory:
            raise SpecError(f"{directory / CARD}: file must be a plain name in the model directory")
        return path
    if (directory / "model.onnx").is_file():
        return directory / "model.onnx"
    found = sorted(directory.glob("*.onnx"))
    if len(found) != 1:
        raise SpecError(f"{directory}: holds {len(found)} *.onnx files: name one of them as 'file' in {CARD}")
    return found[0]


def _outputs(card: OnnxCard, graph: OnnxGraph, path: Path) -> tuple[tuple[OutputField, ...], Sequence[str]]:
    """The columns, and the names of the graph outputs that they are made of."""
    names = [value.name for value in graph.outputs]
    if card.head is not None:
        read = card.output or (names[0] if len(names) == 1 else "")
        if read not in names:
            raise SpecError(f"{path}: 'output' in {CARD} must be one of the graph's: {', '.join(names)}")
        return check_fields(card.head, card.outputs, str(path)), [read]
    if card.outputs:
        unknown = [field.name for field in card.outputs if field.name not in names]
        if unknown:
            raise SpecError(f"{path}: has no output {unknown[0]!r}; it has: {', '.join(names)}")
        return card.outputs, [field.name for field in card.outputs]
    columns = [re.sub(r"[^0-9A-Za-z_]+", "_", name).strip("_") for name in names]
    if len(set(columns)) != len(columns) or not all(columns):
        raise SpecError(f"{path}: its outputs do not make distinct column names: name them as 'outputs' in {CARD}")
    meaning = "output {!r} of the ONNX graph, flattened"
    fields = [
        OutputField(name=column, type="list<float32>", meaning=meaning.format(name), over_frames="first")
        for column, name in zip(columns, names, strict=True)
    ]
    return tuple(fields), names


FORMAT: ImageFormat = Onnx()
