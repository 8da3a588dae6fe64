"""Arrow types written as text, as they stand in model directories and run files."""

import pyarrow as pa

from schemas.errors import SpecError

_PRIMITIVES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "timestamp": pa.timestamp("us"),
}


def parse_type(text: str) -> pa.DataType:
    """`float32`, `list<float32>`, `list<struct<x: float32, label: string>>` to its Arrow type.

    Raises SpecError for anything else.
    """
    cleaned = text.strip()
    if cleaned in _PRIMITIVES:
        return _PRIMITIVES[cleaned]
    if cleaned.startswith("list<") and cleaned.endswith(">"):
        return pa.list_(parse_type(cleaned[5:-1]))
    if cleaned.startswith("struct<") and cleaned.endswith(">"):
        return pa.struct([_parse_field(part) for part in _split_top_level(cleaned[7:-1])])
    raise SpecError(f"output type {text!r} is unknown; known: {', '.join(_PRIMITIVES)}, list<...>, struct<name: type>")


def _parse_field(text: str) -> pa.Field:
    name, colon, rest = text.partition(":")
    if not colon or not name.strip():
        raise SpecError(f"struct field {text!r} must read 'name: type'")
    return pa.field(name.strip(), parse_type(rest))


def _split_top_level(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]
