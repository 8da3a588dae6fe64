"""DICOM pixels to modality values or RGB, in the order that docs/pixels.md gives."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from pydicom import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.bounds import check_pixels, wanted_frames
from workers.images.decoding.codestream import begins_codestream, codestream_size, is_whole
from workers.images.decoding.colour import as_rgb
from workers.images.decoding.dicom_file import DicomFile, Pixels, transfer_syntax_of
from workers.images.decoding.encapsulated import Fragments, frames_of, read_fragments
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.frame_decoders import decode_codestream
from workers.images.decoding.functional_groups import frame_header
from workers.images.decoding.inflate import inflate
from workers.images.decoding.modality import inverted, modality_values
from workers.images.decoding.native import native_frame
from workers.images.decoding.palette import coloured
from workers.images.decoding.pixel_module import PixelModule, check_holds, read_pixel_module
from workers.images.decoding.rle import decode_rle
from workers.images.decoding.stored_values import stored_values
from workers.images.decoding.transfer_syntax import DEFLATED_FRAMES, EXPLICIT_BIG, NATIVE, RLE, decoder_status
from workers.images.prepare.image import Image
from workers.images.settings import ImagesInput


class DicomImage:
    """An object whose frames are decoded one at a time: what is the same for all of them is found once.

    Raises RecordError: no_pixels, unreadable, unsupported.
    """

    def __init__(self, parsed: DicomFile) -> None:
        self._dataset = parsed.dataset
        self._pixels: Pixels = parsed.pixels()
        self._uid = transfer_syntax_of(parsed)
        status = decoder_status(self._uid)
        if not status.available:
            raise RecordError(Status.UNSUPPORTED, f"{status.name}: {status.remedy}")
        self.module: PixelModule = read_pixel_module(self._dataset, self._pixels.keyword)

    @cached_property
    def _is_native(self) -> bool:
        """Whether pixels are not compressed: by the syntax, unless they lie as those of the other kind do."""
        if self._uid in NATIVE:
            return not self._pixels.wrapped
        return not (self._pixels.is_encapsulated or begins_codestream(bytes(self._pixels.data[:8])))

    def decode(self, settings: ImagesInput, frame: int | None) -> list[Image]:
        """The wanted frames. Raises RecordError: unreadable, unsupported, too_large, input_changed."""
        module = self.module
        wanted = wanted_frames(module.frames, settings, frame)
        check_pixels(module.rows, module.columns, module.channels, len(wanted), settings.max_pixels)
        check_holds(module, self._is_native, len(self._pixels.data))
        return [self._image(index) for index in wanted]

    def _image(self, index: int) -> Image:
        module, header = self.module, frame_header(self._dataset, index)
        header.PhotometricInterpretation = module.photometric
        pixels, value_range = modality_values(self._stored(index), header, module)
        if module.is_palette:
            pixels = coloured(pixels, header, signed=module.signed)
            value_range = (0, int(np.iinfo(pixels.dtype).max))
        if module.photometric == "MONOCHROME1":
            pixels = inverted(pixels, value_range)
        return Image(np.ascontiguousarray(pixels), value_range, _spacing(header), header)

    def _stored(self, index: int) -> Array:
        if self._is_native:
            little, words = self._uid != EXPLICIT_BIG, self._pixels.vr == "OW"
            return self._native(self._pixels.data, index, little=little, words=words)
        frame = self._fragments.joined(self._frame(index))
        if self._uid == DEFLATED_FRAMES:
            alone = replace(self.module, frames=1)
            # A frame with an odd number of bytes has one of padding.
            return self._native(memoryview(inflate(frame, alone.native_bytes + 1)), 0, little=True, words=False)
        if self._uid == RLE:
            samples = decode_rle(frame, self.module)
            return as_rgb(
                stored_values(samples, self.module.bits_allocated, self.module), self.module, is_codestream=False
            )
        return self._from_codestream(frame)

    def _native(self, data: memoryview, index: int, *, little: bool, words: bool) -> Array:
        with as_record_error("its pixel data cannot be decoded"):
            samples = native_frame(data, self.module, index, little=little, words=words)
        return as_rgb(stored_values(samples, self.module.bits_allocated, self.module), self.module, is_codestream=False)

    def _from_codestream(self, frame: bytes) -> Array:
        module, found = self.module, codestream_size(frame)
        if found is None or (found.rows, found.columns, found.channels) != (
            module.rows,
            module.columns,
            module.samples,
        ):
            raise RecordError(Status.UNREADABLE, "its compressed pixels are not of the size that its header says")
        if not is_whole(frame, found):
            raise RecordError(Status.UNREADABLE, "its compressed pixels are cut off")
        if found.bits > max(module.bits_allocated, 8):
            raise RecordError(Status.UNREADABLE, "its compressed pixels have more bits than its header allows")
        samples = decode_codestream(frame, found, module)
        return as_rgb(stored_values(samples, found.bits, module), module, is_codestream=True)

    @cached_property
    def _fragments(self) -> Fragments:
        return read_fragments(self._pixels.data)

    @cached_property
    def _frames(self) -> Sequence[range]:
        extended = self._dataset.get("ExtendedOffsetTable") or b""
        with as_record_error("its frames cannot be told apart"):
            return frames_of(self._fragments, self.module.frames, np.frombuffer(extended, "<u8").tolist())

    def _frame(self, index: int) -> range:
        if index >= len(self._frames):
            raise RecordError(Status.UNREADABLE, "it holds fewer frames than its header says")
        return self._frames[index]


def _spacing(header: Dataset) -> tuple[float, float] | None:
    """PixelSpacing, else ImagerPixelSpacing (at the detector); None where neither is two positive numbers."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        with as_record_error("its spacing cannot be read"):
            values = header.get(keyword)
            if values is not None and len(values) == 2 and all(math.isfinite(v) and v > 0 for v in values):
                return float(values[0]), float(values[1])
    return None
