"""`voi`: the view that a DICOM header recommends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.lookup_tables import descriptor, entries, is_little_endian
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image, Range
from workers.images.prepare.libraries import pydicom_processing
from workers.images.prepare.monochrome import is_grey_dicom, is_mirrored, mirrored
from workers.images.prepare.pixels import map_values

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
    count, first, bits = descriptor(item.LUTDescriptor, signed=False)
    if bits != 8 and not 10 <= bits <= 16:
        raise ValueError(f"a VOI LUT of {bits} bits an entry is not defined")
    data = item.LUTData
    table = entries(data, count, little=is_little_endian(dataset))
    if len(table) < count:
        raise ValueError("the VOI LUT has fewer entries than its descriptor says")
    return VoiLut(table.astype(np.uint8 if bits == 8 else np.uint16), first, bits)


class Voi(PrepareStep):
    """VOI LUT or window of the header, as pydicom's `apply_voi_lut` applies it (DICOM PS3.3 C.11.2).

    `index` picks one of several views (a header with a single window has that one only, whatever the index). A header
    with both a LUT and windows gives the LUT if `prefer_lut`. An image without either is left as it is
    (`missing: keep`) or rejected (`missing: reject`); so is one without a DICOM header, and one in colour, for which
    DICOM defines no VOI.

    A MONOCHROME1 image is unmirrored, mapped and mirrored again within the output range. Result: a LUT gives uint8 or
    uint16 and `value_range` (0, 2**bits - 1); a window gives float32 and the range of pydicom, that of the stored
    values after the modality LUT. Rejects NaN and infinities. A malformed LUT or window makes the record unreadable.
    """

    name: ClassVar[str] = "voi"

    index: int = Field(default=0, ge=0, description="which of several views, from 0")
    missing: Literal["keep", "reject"] = Field(
        default="keep", description="what becomes of an image without a VOI LUT or window"
    )
    prefer_lut: bool = Field(default=True, description="whether a header with both a LUT and windows gives the LUT")

    def stated_range(self, value_range: Range | None) -> None:
        # That of the header's table, or of the stored type.
        return None

    def apply(self, image: Image) -> Image:
        if not is_grey_dicom(image):
            return self._without_view(image)
        self.require_finite(image.pixels)
        try:
            return self._by_header(image, image.dataset)
        except IndexError:
            raise self.reject(f"the header has no view with index {self.index}") from None
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            # pydicom reports a malformed header element in any of these; its message may quote the element.
            raise RecordError(
                Status.UNREADABLE, f"prepare step 'voi': the header's view is malformed ({type(error).__name__})"
            ) from None

    def _by_header(self, image: Image, header: Any) -> Image:
        lut = voi_luts(header) > 0
        window = None not in (header.get("WindowCenter"), header.get("WindowWidth"))
        if lut and (self.prefer_lut or not window):
            return self._by_lut(image, read_voi_lut(header, self.index))
        return self._by_window(image) if window else self._without_view(image)

    def _without_view(self, image: Image) -> Image:
        if self.missing == "reject":
            raise self.reject("the image has no VOI LUT and no window")
        return image

    def _by_lut(self, image: Image, lut: VoiLut) -> Image:
        output = (0.0, float(2**lut.bits - 1))

        def convert(values: Array) -> Array:
            if not is_mirrored(image):
                return lut(values)
            entries = lut(mirrored(values, image.value_range)).astype(np.int64)
            return np.clip(mirrored(entries, (0, 2**lut.bits - 1)), 0, None).astype(lut.table.dtype)

        return replaced(image, map_values(image.pixels, convert), value_range=output)

    def _by_window(self, image: Image) -> Image:
        apply = pydicom_processing().apply_windowing
        with np.errstate(over="ignore"):
            low, high = apply(np.array([-1e30, 1e30]), image.dataset, self.index).tolist()

        def convert(values: Array) -> Array:
            if not is_mirrored(image):
                return np.asarray(apply(values, image.dataset, self.index), np.float32)
            seen = apply(mirrored(values, image.value_range), image.dataset, self.index)
            return mirrored(seen, (low, high)).astype(np.float32)

        with np.errstate(over="ignore"):
            result = map_values(image.pixels, convert)
        return replaced(image, result, value_range=(min(low, high), max(low, high)))
