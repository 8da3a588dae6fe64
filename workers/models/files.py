"""Reading the files of a model directory with suspicion: sizes first, names confined, no pickle."""

import json
import struct
from collections.abc import Iterable
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from schemas.errors import SecurityError, SpecError

JSON_LIMIT = 32 << 20
"""Bytes. The largest real one is the index of a sharded model, a few MB."""

CONVERT = "convert it where you trust it: safetensors.torch.save_file(torch.load(file, weights_only=True), ...)"

_DEEPEST = 100
_TOO_DEEP = f"it is nested deeper than {_DEEPEST} levels: write it plainly"

_HEADER_LIMIT = 100_000_000
"""Bytes; the limit that the safetensors format itself sets."""


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a small file. Raises SpecError if it is absent, too large or something else."""
    try:
        if path.stat().st_size > JSON_LIMIT:
            raise SpecError(f"{path}: larger than {JSON_LIMIT} bytes, which no model configuration is")
        value = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SpecError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(value, dict):
        raise SpecError(f"{path}: holds a {type(value).__name__}, must hold a JSON object")
    return value


def parse_json(text: bytes) -> Any:
    """The value that JSON stands for. Raises ValueError for what is none, and for one nested deeper than any model's:
    libraries that walk through it, our own code too, call themselves once a level.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level = [value]
    for _ in range(_DEEPEST):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def confined(directory: Path, name: str) -> Path:
    """`directory / name` for a name that cannot leave the directory. Raises SecurityError for any other."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or "\0" in name or any(part in (".", "..") for part in parts):
        raise SecurityError(f"{directory}: names the file {name!r}, which lies outside the model directory")
    path = directory / name
    # Also where a folder on the way is a link.
    if not _real(path).is_relative_to(_real(directory)):
        raise SecurityError(f"{path}: leads out of the model directory: put the file itself there")
    return path


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise SpecError(f"{path}: is a link that leads to itself: remove it") from None


class TensorTotals(NamedTuple):
    """How many tensors there are, the bytes of them all, and their numbers."""

    tensors: int
    nbytes: int
    numbers: int


def all_tensors(files: Iterable[TensorTotals]) -> TensorTotals:
    """What several files hold together."""
    found = list(files)
    return TensorTotals(*(sum(part[at] for part in found) for at in range(len(TensorTotals._fields))))


def check_safetensors(path: Path) -> TensorTotals:
    """Refuse what is not a safetensors file before any library opens it; how much it holds.

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
    found = _totals(path, header)
    if found.nbytes != size - 8 - header:
        raise SpecError(
            f"{path}: is truncated or damaged: it has {size - 8 - header} bytes of tensors, its header tells of "
            f"{found.nbytes}"
        )
    return found


def _totals(path: Path, header: int) -> TensorTotals:
    """By the header of a safetensors file; tensors follow one another to the end of the last. Raises SpecError."""
    try:
        with path.open("rb") as file:
            file.seek(8)
            entries = json.loads(file.read(header))
        tensors = [entry for name, entry in entries.items() if name != "__metadata__"]
        ends = [int(entry["data_offsets"][1]) for entry in tensors]
        return TensorTotals(len(ends), max(ends, default=0), sum(prod(entry["shape"]) for entry in tensors))
    except (OSError, ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        raise SpecError(f"{path}: is not a safetensors file: its header cannot be read") from None


def refuse_checkpoint(directory: Path) -> None:
    """Raise SecurityError where a directory has a checkpoint or a program of PyTorch, and nothing that is read here."""
    programs = sorted(path.name for path in directory.iterdir() if path.name.endswith((".pt2", ".ts")))
    if programs:
        raise SecurityError(
            f"{directory / programs[0]}: is a program of PyTorch (torch.export or TorchScript), and loading it can run "
            "code of others: save it as ONNX where you trust it: torch.onnx.export(torch.export.load(file), ...). "
            "One on volumes is read as data beside a wardround.json with format: volume-pt2 (docs/models.md)"
        )
    endings = (".pt", ".pth", ".ckpt", ".bin", ".pkl")
    found = sorted(path.name for path in directory.iterdir() if path.name.endswith(endings))
    if found:
        raise SecurityError(
            f"{directory / found[0]}: is a checkpoint of PyTorch, which can run code when loaded: {CONVERT}"
        )
