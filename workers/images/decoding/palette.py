"""PALETTE COLOR to RGB (PS3.3 C.7.6.3.1.5, C.7.9)."""

import struct

import numpy as np
from pydicom import Dataset
from pydicom.pixels.processing import _expand_segmented_lut

from workers.contract import Array
from workers.images.decoding.fence import as_record_error
from workers.images.lookup_tables import descriptor, entries, is_little_endian

_COLOURS = ("Red", "Green", "Blue")
_BYTE = 8
_MOST_IN_BYTE = 255


def coloured(stored: Array, header: Dataset, *, signed: bool) -> Array:
    """(rows, columns, 3), uint8 or uint16 as the palette's entries are. Values beyond it have its first or last colour.

    Raises RecordError (unreadable).
    """
    with as_record_error("its colour palette cannot be applied"):
        described = header.RedPaletteColorLookupTableDescriptor
        count, first, bits = descriptor(described, signed=signed)
        little = is_little_endian(header)
        table = np.stack([_channel(header, colour, count, bits, little) for colour in _COLOURS], axis=-1)
        return table[np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)]


def _channel(header: Dataset, colour: str, count: int, bits: int, little: bool) -> Array:
    data = header.get(f"{colour}PaletteColorLookupTableData")
    if data is None:
        return _segmented(header[f"Segmented{colour}PaletteColorLookupTableData"].value, bits, little)
    found = entries(data, count, little=little)
    # Entries of 8 bits may have a word each.
    return found.astype(np.uint8 if bits == _BYTE and found.max() <= _MOST_IN_BYTE else np.uint16)


def _segmented(data: bytes, bits: int, little: bool) -> Array:
    kind = "B" if bits == _BYTE else "H"
    form = f"{'<' if little else '>'}{len(data) // (bits // _BYTE)}{kind}"
    values = struct.unpack_from(form, data)
    return np.asarray(_expand_segmented_lut(values, form), np.uint8 if bits == _BYTE else np.uint16)
