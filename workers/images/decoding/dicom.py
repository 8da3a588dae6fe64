"""DICOM pixels to modality values or RGB, in the order that docs/pixels.md gives."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from pydicom import Dataset, FileDataset
from pydicom.encaps import generate_frames, get_frame
from pydicom.pixels.processing import apply_color_lut

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.bounds import check_pixels, wanted_frames
from workers.images.decoding.codestream import codestream_size
from workers.images.decoding.decoders import decoder_for
from workers.images.decoding.dicom_file import pixel_keyword, transfer_syntax_of
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.functional_groups import frame_header
from workers.images.decoding.inflate import inflate
from workers.images.decoding.modality import inverted, modality_values
from workers.images.decoding.pixel_module import PixelModule, check_holds, read_pixel_module
from workers.images.decoding.transfer_syntax import DEFLATED_FRAMES, EXPLICIT_LITTLE, NATIVE, RLE, decoder_status
from workers.images.prepare.image import Image
from workers.images.settings import ImagesInput

_DAMAGED = "its pixel data cannot be decoded"
# More frames than NumberOfFrames says are not frames of the record.
_EXACT: dict[str, Any] = {"allow_excess_frames": False}


def decode_dicom(dataset: FileDataset, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    """The wanted frames, and how many there are.

    Raises RecordError: no_pixels, unreadable, unsupported, too_large, input_changed.
    """
    keyword = pixel_keyword(dataset)
    uid = transfer_syntax_of(dataset)
    status = decoder_status(uid)
    if not status.available:
        raise RecordError(Status.UNSUPPORTED, f"{status.name}: {status.remedy}")
    module = read_pixel_module(dataset, keyword)
    wanted = wanted_frames(module.frames, settings, frame)
    check_pixels(module.rows, module.columns, module.channels, len(wanted), settings.max_pixels)
    with as_record_error(_DAMAGED):
        check_holds(module, uid in NATIVE, len(dataset[keyword].value or b""))
        if uid == DEFLATED_FRAMES:
            frames = list(_inflated_frames(dataset, module, wanted))
        else:
            frames = _decoded_frames(dataset, module, uid, wanted)
    return [_image(stored, dataset, module, index) for index, stored in zip(wanted, frames, strict=True)], module.frames


def _decoded_frames(dataset: FileDataset, module: PixelModule, uid: str, wanted: Sequence[int]) -> list[Array]:
    bits = 0 if uid in NATIVE else _check_codestreams(dataset, module, uid, wanted)
    decoder = decoder_for(uid, bits)
    if len(wanted) > 1:
        stored, described = decoder.as_array(dataset, **_EXACT)
        # More than one wanted frame are all frames, from the first on.
        frames = list(stored[: len(wanted)])
    else:
        stored, described = decoder.as_array(dataset, index=wanted[0], **_EXACT)
        frames = [stored]
    if str(described["photometric_interpretation"]).startswith("YBR"):
        raise RecordError(Status.UNSUPPORTED, "its colours were not converted to RGB by its decoder")
    return [_plain(stored) for stored in frames]


def _check_codestreams(dataset: FileDataset, module: PixelModule, uid: str, wanted: Sequence[int]) -> int:
    """That every wanted frame has the size that the header says; returns the largest precision, 0 where unknown."""
    if uid == RLE:
        return 0
    bits = 0
    for encoded in _encapsulated(dataset, module, wanted):
        size = codestream_size(encoded)
        if size is None or (size.rows, size.columns, size.channels) != (module.rows, module.columns, module.samples):
            raise RecordError(Status.UNREADABLE, "its compressed pixels are not of the size that its header says")
        bits = max(bits, size.bits)
    return bits


def _encapsulated(dataset: FileDataset, module: PixelModule, wanted: Sequence[int]) -> Iterator[bytes]:
    """The compressed bytes of one frame, or of all."""
    offsets = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    if len(wanted) == 1:
        yield get_frame(dataset.PixelData, wanted[0], number_of_frames=module.frames, extended_offsets=offsets)
    else:
        frames = generate_frames(dataset.PixelData, number_of_frames=module.frames, extended_offsets=offsets)
        yield from islice(frames, module.frames)


def _inflated_frames(dataset: FileDataset, module: PixelModule, wanted: Sequence[int]) -> Iterator[Array]:
    """Deflated Image Frame Compression (PS3.5 A.4.12), which pydicom lacks: each frame inflates to a native one."""
    decoder = decoder_for(EXPLICIT_LITTLE, 0)
    # A frame with an odd number of bytes has one of padding.
    limit = replace(module, frames=1).native_bytes + 1
    described: dict[str, Any] = {
        "rows": module.rows,
        "columns": module.columns,
        "samples_per_pixel": module.samples,
        "number_of_frames": 1,
        "bits_allocated": module.bits_allocated,
        "bits_stored": module.bits_stored,
        "pixel_representation": int(module.signed),
        "photometric_interpretation": module.photometric,
        "planar_configuration": int(dataset.get("PlanarConfiguration") or 0),
        "pixel_keyword": module.keyword,
    }
    for encoded in _encapsulated(dataset, module, wanted):
        stored, _ = decoder.as_array(inflate(encoded, limit), **described)
        yield _plain(stored)


def _plain(stored: Array) -> Array:
    """The values in native byte order and C order; a copy only where they are not yet so."""
    return np.ascontiguousarray(stored, stored.dtype.newbyteorder("="))


def _image(stored: Array, dataset: FileDataset, module: PixelModule, index: int) -> Image:
    header = frame_header(dataset, index)
    pixels, value_range = modality_values(stored, header, module)
    if module.photometric == "PALETTE COLOR":
        pixels = _coloured(pixels, header)
        value_range = (0, int(np.iinfo(pixels.dtype).max))
    if module.photometric == "MONOCHROME1":
        pixels = inverted(pixels, value_range)
    return Image(pixels, value_range, _spacing(header), header)


def _coloured(pixels: Array, header: Dataset) -> Array:
    with as_record_error("its colour palette cannot be applied"), np.errstate(all="ignore"):
        return np.ascontiguousarray(apply_color_lut(pixels, header)[..., :3])


def _spacing(header: Dataset) -> tuple[float, float] | None:
    """PixelSpacing, else ImagerPixelSpacing (at the detector); None where neither is two positive numbers."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        with as_record_error("its spacing cannot be read"):
            values = header.get(keyword)
            if values is not None and len(values) == 2 and all(math.isfinite(v) and v > 0 for v in values):
                return float(values[0]), float(values[1])
    return None
