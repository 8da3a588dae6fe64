"""`voi`: the view that a DICOM header recommends."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.prepare.base import PrepareStep, replaced
from workers.images.prepare.image import Image
from workers.images.prepare.libraries import pydicom_processing
from workers.images.prepare.monochrome import is_grey_dicom, is_mirrored, mirrored
from workers.images.prepare.pixels import map_values
from workers.images.prepare.voi_lut import VoiLut, read_voi_lut, voi_luts


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

    index: int = Field(default=0, ge=0)
    missing: Literal["keep", "reject"] = "keep"
    prefer_lut: bool = True

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
