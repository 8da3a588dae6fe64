"""Entries of DICOM lookup tables (PS3.3 C.7.6.3.1.6, C.11.1, C.11.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workers.contract import Array

if TYPE_CHECKING:
    # Prepare steps are read where pydicom, which takes half a second to import, is needed for nothing.
    from pydicom import Dataset

_MOST_ENTRIES = 1 << 16


def descriptor(values: object, *, signed: bool) -> tuple[int, int, int]:
    """Entries, first mapped value and bits an entry. Raises ValueError, TypeError for what is no descriptor.

    0 entries stand for 65,536, which the 16 bits of the field cannot hold. `signed`: pixels are, so that a first value
    that was read without its sign has one.
    """
    count, first, bits = (int(value) for value in values)  # type: ignore[attr-defined]  # TypeError is told to callers
    return (count & 0xFFFF) or _MOST_ENTRIES, first - (1 << 16) if signed and first > 0x7FFF else first, bits


def entries(data: object, count: int, *, little: bool) -> Array:
    """The entries as numbers: a list as it is, bytes as words of 16 bits, or packed two in a word where they are few.

    As many as there are, up to `count`. An odd number of packed entries has one byte of padding.
    """
    if not isinstance(data, bytes):
        return np.atleast_1d(np.asarray(data))[:count]
    order = "<" if little else ">"
    if len(data) in (count, count + 1) and count > 1:
        words = np.frombuffer(data[: len(data) // 2 * 2], order + "u2").astype("<u2")
        packed = np.append(words.view(np.uint8), np.frombuffer(data[len(data) // 2 * 2 :], np.uint8))
        return packed[:count]
    return np.frombuffer(data, order + "u2", count=min(count, len(data) // 2)).astype(np.uint16)


def is_little_endian(dataset: Dataset) -> bool:
    """The byte order of words of the dataset."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and not syntax.is_private:
        return bool(syntax.is_little_endian)
    return dataset.original_encoding[1] is not False
