"""Metadata of local objects, taken from their content: a disk keeps none beside a file."""

import json
import struct
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage.range_reader import RangeReader

_PREFIX = b"wardround."
_LONGEST_HEADER = 100_000_000
"""Bytes; the limit that the safetensors format itself sets."""


def content_metadata(name: str, file: RangeReader) -> Mapping[str, str]:
    """Parquet: footer entries `wardround.<name>`. JSON: the texts at its top level. safetensors: those of its header.
    Else, or if damaged: empty.

    `name` tells which it is. Raises what reading the file does.
    """
    if name.endswith(".parquet"):
        return _parquet(file)
    if name.endswith(".json"):
        return _json(file)
    if name.endswith(".safetensors"):
        return _safetensors(file)
    return {}


def _parquet(file: RangeReader) -> Mapping[str, str]:
    try:
        footer = pq.read_metadata(file).metadata or {}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError):
        return {}
    own = {key: value for key, value in footer.items() if key.startswith(_PREFIX)}
    return {key[len(_PREFIX) :].decode(): value.decode() for key, value in own.items()}


def _json(file: RangeReader) -> Mapping[str, str]:
    return _texts(file.read())


def _safetensors(file: RangeReader) -> Mapping[str, str]:
    begin = file.read(8)
    (size,) = struct.unpack("<Q", begin) if len(begin) == 8 else (0,)
    return _texts(file.read(size), "__metadata__") if size <= _LONGEST_HEADER else {}


def _texts(text: bytes, key: str = "") -> Mapping[str, str]:
    """What a JSON object says in texts, or the one that it has under `key`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if key and isinstance(document, dict):
        document = document.get(key)
    if not isinstance(document, dict):
        return {}
    return {name: value for name, value in document.items() if isinstance(value, str)}
