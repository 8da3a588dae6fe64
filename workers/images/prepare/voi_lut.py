"""The VOI LUT Sequence of a DICOM header (PS3.3 C.11.2.1.1) as an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workers.contract import Array

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class VoiLut:
    """`table[i]` is the value of input `first + i`; inputs below and above take the first and last entry.

    `bits` is the depth of the output: its values are 0 to 2**bits - 1.
    """

    table: Array
    first: int
    bits: int

    def __call__(self, values: Array) -> Array:
        """The table's entry for each value, a fraction cut off towards the first entry. NaN is not allowed."""
        index = np.clip(values.astype(np.float64) - self.first, 0, len(self.table) - 1)
        return self.table[index.astype(np.int64)]


def voi_luts(dataset: Dataset) -> int:
    """How many VOI LUTs the header holds; one without descriptor or data counts as none."""
    sequence = dataset.get("VOILUTSequence") or []
    complete = [item.get("LUTDescriptor") is not None and item.get("LUTData") is not None for item in sequence]
    return len(complete) if complete and complete[0] else 0


def read_voi_lut(dataset: Dataset, index: int) -> VoiLut:
    """LUT `index` of the sequence. Raises ValueError, without content, if it is malformed, IndexError if absent.

    Entries stand as pydicom reads them: 16 bit words in the byte order of the transfer syntax, or a list of numbers;
    besides, 8 bit entries packed two in a word are understood. pydicom's `apply_voi` looks an input up by an index
    of the type of the *entries*, which wraps for an 8 bit table of more than 256 entries; this does not.
    """
    item = dataset.VOILUTSequence[index]
    count, first, bits = (int(value) for value in item.LUTDescriptor)
    count = count or 2**16
    if bits != 8 and not 10 <= bits <= 16:
        raise ValueError(f"a VOI LUT of {bits} bits an entry is not defined")
    data = item.LUTData
    entries = _words(data, count, _is_little_endian(dataset)) if isinstance(data, bytes) else np.atleast_1d(data)
    if len(entries) < count:
        raise ValueError("the VOI LUT has fewer entries than its descriptor says")
    return VoiLut(entries[:count].astype(np.uint8 if bits == 8 else np.uint16), first, bits)


def _words(data: bytes, count: int, little_endian: bool) -> Array:
    packed = len(data) in (count, count + 1) and count > 1
    dtype = np.dtype(np.uint8) if packed else np.dtype("<u2" if little_endian else ">u2")
    return np.frombuffer(data, dtype, count=min(count, len(data) // dtype.itemsize))


def _is_little_endian(dataset: Dataset) -> bool:
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and not syntax.is_private:
        return bool(syntax.is_little_endian)
    return dataset.original_encoding[1] is not False
