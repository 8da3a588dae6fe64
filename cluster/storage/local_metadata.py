"""Metadata of local objects, taken from their content: a disk keeps none beside a file."""

import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage.range_reader import RangeReader

_PREFIX = b"wardround."


def content_metadata(name: str, file: RangeReader) -> Mapping[str, str]:
    """Parquet: footer entries `wardround.<name>`. JSON: the texts at its top level. Else, or if damaged: empty.

    `name` tells which it is. Raises what reading the file does.
    """
    if name.endswith(".parquet"):
        return _parquet(file)
    if name.endswith(".json"):
        return _json(file)
    return {}


def _parquet(file: RangeReader) -> Mapping[str, str]:
    try:
        footer = pq.read_metadata(file).metadata or {}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError):
        return {}
    own = {key: value for key, value in footer.items() if key.startswith(_PREFIX)}
    return {key[len(_PREFIX) :].decode(): value.decode() for key, value in own.items()}


def _json(file: RangeReader) -> Mapping[str, str]:
    try:
        document = json.loads(file.read())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: value for name, value in document.items() if isinstance(value, str)}
