"""Digests of bodies, files and directories."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path


def sha256_of(body: bytes | Path) -> str:
    """Hex digest of a body in memory, or of a file."""
    if isinstance(body, bytes):
        return hashlib.sha256(body).hexdigest()
    with body.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(files: Mapping[str, str]) -> str:
    """sha256 of the sorted lines that `sha256sum` prints for the files: `<hex>  <relative path>` and a newline.

    The same as `cd DIR && find . -type f -printf '%P\\0' | xargs -0 sha256sum | LC_ALL=C sort | sha256sum` for names
    without backslash and newline.
    """
    lines = [f"{sha256}  {name}\n".encode("utf-8", "surrogateescape") for name, sha256 in files.items()]
    return hashlib.sha256(b"".join(sorted(lines))).hexdigest()


def digest_files(folder: Path) -> dict[str, str]:
    """The sha256 of every file under `folder` by its relative path, hidden ones too. Raises OSError."""
    return {name: sha256_of(folder / name) for name in file_names(folder)}


def file_names(folder: Path) -> list[str]:
    """The relative path of every file under `folder`, sorted. Raises OSError."""
    found = [Path(at, name) for at, _, names in os.walk(folder, onerror=_raise) for name in names]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _raise(error: OSError) -> None:
    raise error
