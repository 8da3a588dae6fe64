"""What a `*.onnx` file says of itself: inputs, outputs, and the files that hold its weights. Loads none of those."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import SpecError
from workers.images.prepare.libraries import onnx, protobuf_message

LARGEST = 2 << 30
"""Bytes; the limit of Protocol Buffers, and so of ONNX."""


@dataclass(frozen=True)
class Value:
    """An input or output of the graph. `shape`: None where free."""

    name: str
    shape: tuple[int | None, ...]
    is_uint8: bool = False


@dataclass(frozen=True)
class OnnxGraph:
    """`inputs` without those that are weights. `external` are the files that hold weights outside this one."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    external: frozenset[str]


def read_graph(path: Path) -> OnnxGraph:
    """Inputs, outputs and external files of the model. Weights inside the file are in memory once, for a moment.

    Raises SpecError if the file is not an ONNX model, MissingExtraError without the package `onnx`.
    """
    try:
        size = path.stat().st_size
        if size >= LARGEST:
            raise SpecError(
                f"{path}: has {size >> 20} MiB, an ONNX file at most {LARGEST >> 20}: save it with its weights in a "
                "file of their own (save_as_external_data)"
            )
        model = _parsed(path)
        if not model.HasField("graph"):
            raise ValueError("it holds no graph")
        return _graph_of(model)
    except (OSError, ValueError, protobuf_message().DecodeError) as error:
        raise SpecError(f"{path}: is not an ONNX model that can be read ({error})") from error


def _parsed(path: Path) -> Any:
    # Parsed from a mapping of the file: `onnx.load` reads it first, and then holds it twice.
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        memoryview(content) as view,
    ):
        return onnx().ModelProto.FromString(view)


def _graph_of(model: Any) -> OnnxGraph:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_value(given) for given in model.graph.input if given.name not in weights)
    return OnnxGraph(inputs, tuple(map(_value, model.graph.output)), frozenset(_external(model)))


def _value(given: Any) -> Value:
    tensor = given.type.tensor_type
    sizes = [size.dim_value for size in tensor.shape.dim]
    is_uint8 = tensor.elem_type == onnx().TensorProto.UINT8
    return Value(given.name, tuple(size if size > 0 else None for size in sizes), is_uint8)


def _external(message: Any) -> Iterator[str]:
    """Locations of the weights of every tensor, wherever in the model it stands: in a branch, in a function."""
    if isinstance(message, onnx().TensorProto):
        yield from (entry.value for entry in message.external_data if entry.key == "location")
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in [value] if isinstance(value, protobuf_message().Message) else value:
                yield from _external(part)
