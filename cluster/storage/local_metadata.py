"""Metadata of local objects, taken from their content: a disk keeps none beside a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_PREFIX = b"wardround."


def content_metadata(path: Path) -> Mapping[str, str]:
    """Parquet: footer entries `wardround.<name>`. JSON: the texts at its top level. Else, or if damaged: empty."""
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix == ".json":
        return _json(path)
    return {}


def _parquet(path: Path) -> Mapping[str, str]:
    try:
        footer = pq.read_metadata(path).metadata or {}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return {}
    except OSError as error:
        # Of a damaged footer Arrow raises OSErrors of its own, which carry no number.
        if error.errno is not None:
            raise
        return {}
    own = {key: value for key, value in footer.items() if key.startswith(_PREFIX)}
    return {key[len(_PREFIX) :].decode(): value.decode() for key, value in own.items()}


def _json(path: Path) -> Mapping[str, str]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: value for name, value in document.items() if isinstance(value, str)}
