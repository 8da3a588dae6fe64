"""Reading the files of a model directory with suspicion: sizes first, names confined, no pickle."""

import json
import struct
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.errors import SecurityError, SpecError

JSON_LIMIT = 32 << 20
"""Bytes. The largest real one is the index of a sharded model, a few MB."""

CONVERT = "convert it where you trust it: safetensors.torch.save_file(torch.load(file, weights_only=True), ...)"

_HEADER_LIMIT = 100_000_000
"""Bytes; the limit that the safetensors format itself sets."""


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a small file. Raises SpecError if it is absent, too large or something else."""
    try:
        if path.stat().st_size > JSON_LIMIT:
            raise SpecError(f"{path}: larger than {JSON_LIMIT} bytes, which no model configuration is")
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(value, dict):
        raise SpecError(f"{path}: holds a {type(value).__name__}, must hold a JSON object")
    return value


def confined(directory: Path, name: str) -> Path:
    """`directory / name` for a name that cannot leave the directory. Raises SecurityError for any other."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or "\0" in name or any(part in (".", "..") for part in parts):
        raise SecurityError(f"{directory}: names the file {name!r}, which lies outside the model directory")
    return directory / name


def check_safetensors(path: Path) -> None:
    """Refuse what is not a safetensors file before any library opens it.

    Format: 8 bytes little-endian header length, that many bytes of JSON, tensors.
    Raises SecurityError for a pickle or zip under that name, SpecError for any other wrong file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        refuse_checkpoint(path.parent)
        raise SpecError(f"{path}: cannot be read ({error.strerror})") from error
    if start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise SecurityError(f"{path}: is a pickle or zip checkpoint, which can run code when loaded: {CONVERT}")
    header = struct.unpack("<Q", start[:8])[0] if len(start) == 9 else size
    if header > min(size - 8, _HEADER_LIMIT) or start[8:] != b"{":
        raise SpecError(f"{path}: is not a safetensors file, or is truncated")
    if (ends := _data_end(path, header)) != size - 8 - header:
        raise SpecError(
            f"{path}: is truncated or damaged: it has {size - 8 - header} bytes of tensors, its header tells of {ends}"
        )


def _data_end(path: Path, header: int) -> int:
    """Where the last tensor ends, by the header of a safetensors file. Raises SpecError."""
    try:
        with path.open("rb") as file:
            file.seek(8)
            entries = json.loads(file.read(header))
        return max(
            (int(entry["data_offsets"][1]) for name, entry in entries.items() if name != "__metadata__"), default=0
        )
    except (OSError, ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        raise SpecError(f"{path}: is not a safetensors file: its header cannot be read") from None


def refuse_checkpoint(directory: Path) -> None:
    """Raise SecurityError where a directory has a checkpoint of PyTorch in place of what could be loaded."""
    endings = (".pt", ".pth", ".ckpt", ".bin", ".pkl")
    found = sorted(path.name for path in directory.iterdir() if path.name.endswith(endings))
    if found:
        raise SecurityError(
            f"{directory / found[0]}: is a checkpoint of PyTorch, which can run code when loaded: {CONVERT}"
        )
