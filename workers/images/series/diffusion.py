"""The b-value and direction of a diffusion-weighted slice where only the vendor's private elements have them.

Source: the vendors' conformance statements, and dcm_qa_philips, dcm_qa_ge, dcm_qa_uih and dicom2nifti's test series.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from workers.images.series.attributes import private, private_tags

Numbers = tuple[float, ...]

_MOST_GE = 100_000
"""GE adds a multiple of this to b-values that were rounded."""


@dataclass(frozen=True)
class _Vendor:
    """Where one vendor has the b-value and the three parts of the direction: group, element and private creator.
    `packed` is how numbers lie in an element that was read as bytes: f, d, or empty for text."""

    b_value: tuple[int, int, str]
    direction: tuple[tuple[int, int, str], ...]
    packed: str = ""


_PHILIPS, _GE = "Philips MR Imaging DD 001", "GEMS_ACQU_01"
_VENDORS = (
    _Vendor((0x0019, 0x0C, "SIEMENS MR HEADER"), ((0x0019, 0x0E, "SIEMENS MR HEADER"),), "d"),
    _Vendor(
        (0x2001, 0x03, "Philips Imaging DD 001"),
        ((0x2005, 0xB0, _PHILIPS), (0x2005, 0xB1, _PHILIPS), (0x2005, 0xB2, _PHILIPS)),
        "f",
    ),
    _Vendor((0x0043, 0x39, "GEMS_PARM_01"), ((0x0019, 0xBB, _GE), (0x0019, 0xBC, _GE), (0x0019, 0xBD, _GE))),
    _Vendor((0x0065, 0x09, "Image Private Header"), ((0x0065, 0x37, "Image Private Header"),), "d"),
)
DIFFUSION_TAGS = tuple(
    tag
    for vendor in _VENDORS
    for group, element, _ in (vendor.b_value, *vendor.direction)
    for tag in private_tags(group, element)
)


def private_diffusion(frame: Dataset) -> tuple[float | None, Numbers | None]:
    """The b-value (s/mm2) and, of one above 0, the direction in the vendor's own axes, so that it only tells apart."""
    for vendor in _VENDORS:
        found = _numbers(frame, [vendor.b_value], vendor.packed)
        if found and found[0] >= 0:
            b_value = found[0] % _MOST_GE
            direction = _numbers(frame, vendor.direction, vendor.packed) if b_value > 0 else ()
            return b_value, direction if len(direction) == 3 else None
    return None, None


def _numbers(frame: Dataset, places: Sequence[tuple[int, int, str]], packed: str) -> Numbers:
    """The numbers of these elements, one after the other; none where one of them is not there or no number."""
    try:
        found = tuple(one for place in places for one in _parts(private(frame, *place), packed))
    except (TypeError, ValueError, struct.error):
        return ()
    return found if all(map(math.isfinite, found)) else ()


def _parts(found: Any, packed: str) -> Numbers:
    if isinstance(found, bytes):
        text = found.decode("latin-1").strip(" \0")
        if packed and not text.replace(".", "").isdigit():
            return struct.unpack(f"<{len(found) // struct.calcsize(packed)}{packed}", found)
        found = text
    if isinstance(found, str):
        found = found.split("\\")
    return tuple(map(float, found)) if isinstance(found, Sequence) else (float(found),)
