"""Objects and frames that were cut off, in every transfer syntax: no frame is ever other than it was."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels import get_encoder
from pydicom.uid import RLELossless

from schemas.status import Status
from tests.support.dicom_files import dataset, ramp, settings, stored, wrapped
from workers.images.decoding.decode import Decoded, open_object
from workers.images.decoding.inflate import RAW_DEFLATE

Array = NDArray[Any]
FRAMES = np.stack([np.roll(ramp(40, 48, top=4095), 7 * number, axis=1) for number in range(3)])
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")


def raw_deflate(frame: Array) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE)
    return packer.compress(frame.tobytes()) + packer.flush()


def rle(frame: Array) -> bytes:
    described = {"rows": 40, "columns": 48, "number_of_frames": 1, "samples_per_pixel": 1, "bits_allocated": 16}
    described |= {"bits_stored": 16, "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2"}
    return bytes(get_encoder(RLELossless).encode(frame.tobytes(), encoding_plugin="pydicom", **described))


def jpeg(frame: Array) -> bytes:
    buffer = BytesIO()
    Image.fromarray((frame >> 4).astype(np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


ENCODERS: dict[str, Callable[[Array], bytes]] = {
    "1.2.840.10008.1.2.4.50": jpeg,
    "1.2.840.10008.1.2.4.51": lambda frame: bytes(imagecodecs.jpeg8_encode(frame, bitspersample=12)),
    "1.2.840.10008.1.2.4.70": lambda frame: bytes(imagecodecs.ljpeg_encode(frame, bitspersample=16)),
    "1.2.840.10008.1.2.4.80": lambda frame: bytes(imagecodecs.jpegls_encode(frame)),
    "1.2.840.10008.1.2.4.90": lambda frame: bytes(imagecodecs.jpeg2k_encode(frame, level=0, codecformat="J2K")),
    "1.2.840.10008.1.2.4.201": lambda frame: bytes(imagecodecs.htj2k_encode(frame)),
    "1.2.840.10008.1.2.5": rle,
    "1.2.840.10008.1.2.8.1": raw_deflate,
}


@cache
def encoded(syntax: str) -> list[bytes]:
    return [ENCODERS[syntax](frame) for frame in FRAMES]


def file_of(syntax: str, frames: list[bytes] | None = None) -> bytes:
    if syntax not in NATIVE:
        return wrapped(frames or encoded(syntax), FRAMES, syntax, NumberOfFrames=3)
    made = dataset(FRAMES, syntax, NumberOfFrames=3)
    if syntax == "1.2.840.10008.1.2.2":
        made.PixelData = FRAMES.astype(">u2").tobytes()
    return stored(made)


def frames_of(data: bytes) -> list[Decoded]:
    decode = open_object(data, settings(carry=("PatientID",)))
    return [decode(number) for number in range(3)]


@pytest.mark.parametrize("syntax", [*NATIVE, *ENCODERS])
def test_a_file_cut_at_any_tenth_gives_its_frames_or_none_and_keeps_its_header(syntax: str) -> None:
    whole = file_of(syntax)
    right = [np.asarray(found.frames[0].pixels) for found in frames_of(whole)]
    # Inside of a deflated dataset the place is not known.
    header_ends = whole.find(b"patient-1") + 10 if b"patient-1" in whole else len(whole) // 2
    for length in {*(len(whole) * tenth // 10 for tenth in range(1, 10)), len(whole) - 9, len(whole) - 30}:
        found = frames_of(whole[:length])
        for number, one in enumerate(found):
            if one.error is None:
                np.testing.assert_array_equal(one.frames[0].pixels, right[number])
            else:
                assert one.error.status == Status.UNREADABLE
            if length >= header_ends:
                assert one.header == {"PatientID": "patient-1"}
        assert found[2].error is not None or length == len(whole) - 9


@pytest.mark.parametrize("syntax", ENCODERS)
def test_a_frame_cut_at_any_tenth_is_unreadable_and_its_neighbours_are_not(syntax: str) -> None:
    frames = encoded(syntax)
    whole = [found.frames[0].pixels for found in frames_of(file_of(syntax))]
    for tenth in range(1, 10):
        cut = frames[1][: len(frames[1]) * tenth // 10]
        first, second, third = frames_of(file_of(syntax, [frames[0], cut, frames[2]]))
        assert second.error is not None
        assert second.error.status == Status.UNREADABLE
        np.testing.assert_array_equal(first.frames[0].pixels, whole[0])
        np.testing.assert_array_equal(third.frames[0].pixels, whole[2])
