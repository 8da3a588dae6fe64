"""What a `*.onnx` file says of itself, read from its bytes: no ONNX library, no weights in memory.

Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3), wire format that of
Protocol Buffers (https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import SpecError

_DEEPEST = 128
"""Messages within messages. A graph in a graph adds three; real files have two or three such graphs."""

_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function", 20: "training"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Which fields of which message can lead to a tensor."""


@dataclass(frozen=True)
class Value:
    """An input or output of the graph. `shape`: None where free. `dtype`: TensorProto number, 1 float."""

    name: str
    dtype: int
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class OnnxGraph:
    """`inputs` without those that are weights. `external` are the files that hold weights outside this one."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    external: frozenset[str]


def read_graph(path: Path) -> OnnxGraph:
    """Inputs, outputs and external files of the model. Raises SpecError if the file is not an ONNX model."""
    try:
        with path.open("rb") as file:
            return _graph_of(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: is not an ONNX model that can be read ({error})") from error


def _graph_of(model: memoryview) -> OnnxGraph:
    graphs = [part for number, part in _fields(model) if number == 7 and isinstance(part, tuple)]
    if len(graphs) != 1:
        raise ValueError("it holds no graph")
    start, end = graphs[0]
    graph = model[start:end]
    values: dict[int, list[Value]] = {11: [], 12: []}
    weights = set()
    for number, part in _fields(graph):
        if isinstance(part, tuple) and number in values:
            values[number].append(_value(graph[slice(*part)]))
        elif isinstance(part, tuple) and number == 5:
            weights.add(_text(graph[slice(*part)], 8))
    inputs = tuple(value for value in values[11] if value.name not in weights)
    return OnnxGraph(inputs, tuple(values[12]), frozenset(_external(model, "model", 0)))


def _external(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("graphs are nested too deeply")
    if kind == "tensor":
        for number, part in _fields(message):
            if number == 13 and isinstance(part, tuple):
                entry = message[slice(*part)]
                # Of a field given twice readers take the last: any of them may be the one that counts.
                if "location" in _texts(entry, 1):
                    yield from _texts(entry, 2)
        return
    for number, part in _fields(message):
        child = _CHILDREN[kind].get(number)
        if child is not None and isinstance(part, tuple):
            yield from _external(message[slice(*part)], child, depth + 1)


def _value(message: memoryview) -> Value:
    tensor = _child(_child(message, 2), 1)
    shape: list[int | None] = []
    for number, part in _fields(_child(tensor, 2)):
        if number == 1 and isinstance(part, tuple):
            sizes = [size for n, size in _fields(_child(tensor, 2)[slice(*part)]) if n == 1 and isinstance(size, int)]
            shape.append(sizes[0] if sizes and 0 < sizes[0] < 2**31 else None)
    kinds = [kind for number, kind in _fields(tensor) if number == 1 and isinstance(kind, int)]
    return Value(_text(message, 1), kinds[0] if kinds else 0, tuple(shape))


def _child(message: memoryview, wanted: int) -> memoryview:
    for number, part in _fields(message):
        if number == wanted and isinstance(part, tuple):
            return message[slice(*part)]
    return message[:0]


def _texts(message: memoryview, wanted: int) -> list[str]:
    parts = [part for number, part in _fields(message) if number == wanted and isinstance(part, tuple)]
    return [str(message[slice(*part)], "utf-8") for part in parts]


def _text(message: memoryview, wanted: int) -> str:
    return str(_child(message, wanted), "utf-8")


def _fields(message: memoryview) -> Iterator[tuple[int, int | tuple[int, int]]]:
    """Field number with its number, or with start and end of its bytes."""
    at, size = 0, len(message)
    while at < size:
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        length = {1: 8, 5: 4}.get(wire)
        if wire == 2:
            length, at = _varint(message, at)
        if length is None or at + length > size:
            raise ValueError("it is damaged, or something else")
        yield key >> 3, (at, at + length)
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("it is damaged, or something else")
