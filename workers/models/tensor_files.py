"""What a safetensors file says of itself beside its tensors. Imports no torch."""

import json
import struct
from collections.abc import Mapping
from typing import Any

_FIRST = "<Q"
_ALIGNMENT = 8


def metadata_of(body: bytes) -> dict[str, str]:
    """The texts of its header. Raises ValueError for what is no such file."""
    return dict(_header(body)[0].get("__metadata__") or {})


def with_metadata(body: bytes, said: Mapping[str, str]) -> bytes:
    """The same file, with these texts in its header too. Raises ValueError for what is no such file."""
    header, end = _header(body)
    header["__metadata__"] = {**(header.get("__metadata__") or {}), **said}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return struct.pack(_FIRST, len(text)) + text + body[end:]


def _header(body: bytes) -> tuple[dict[str, Any], int]:
    try:
        (size,) = struct.unpack(_FIRST, body[:_ALIGNMENT])
        header = json.loads(body[_ALIGNMENT : _ALIGNMENT + size])
    except (struct.error, ValueError, RecursionError):
        raise ValueError("no safetensors file") from None
    if not isinstance(header, dict):
        raise ValueError("no safetensors file")
    return header, _ALIGNMENT + size
