"""RLE Lossless against pydicom's own encoder, with and without the fast package."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rle.utils as rle_package
from pydicom.pixels.encoders.base import RLELosslessEncoder

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import dataset, ramp, stored
from workers.contract import Array
from workers.images.decoding import rle
from workers.images.decoding.dicom import DicomImage
from workers.images.decoding.dicom_file import read_dicom
from workers.images.decoding.pixel_module import PixelModule
from workers.images.decoding.rle import decode_rle

COLOUR = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def encoded(pixels: Array) -> tuple[bytes, PixelModule]:
    made: Any = dataset(pixels)
    described = {
        "rows": made.Rows,
        "columns": made.Columns,
        "samples_per_pixel": made.SamplesPerPixel,
        "bits_allocated": made.BitsAllocated,
        "bits_stored": made.BitsStored,
        "pixel_representation": 0,
        "photometric_interpretation": made.PhotometricInterpretation,
        "number_of_frames": 1,
        "planar_configuration": 0,
    }
    frame = RLELosslessEncoder.encode(pixels, encoding_plugin="pydicom", **described)
    return bytes(frame), DicomImage(read_dicom(stored(made), 1 << 20)).module


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("pixels", [ramp().astype(np.uint16), (ramp() % 251).astype(np.uint8), COLOUR], ids=str)
def test_frames_come_back_as_they_were(pixels: Array, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setattr(rle, "find_spec", lambda name: None)
    frame, module = encoded(pixels)
    np.testing.assert_array_equal(decode_rle(frame, module), pixels)


def test_a_frame_of_other_planes_than_its_header_says_is_unreadable() -> None:
    frame, module = encoded((ramp() % 251).astype(np.uint8))
    for changed in (replace(module, bits_allocated=16), replace(module, samples=3)):
        with pytest.raises(RecordError, match="cannot be decoded") as caught:
            decode_rle(frame, changed)
        assert caught.value.status == Status.UNREADABLE


def test_a_frame_that_is_cut_off_anywhere_is_unreadable() -> None:
    frame, module = encoded(ramp().astype(np.uint16))
    for length in range(0, len(frame) - 1, 7):
        with pytest.raises(RecordError):
            decode_rle(frame[:length], module)


def test_a_damaged_frame_over_which_the_package_panics_is_unreadable() -> None:
    frame, module = encoded(ramp().astype(np.uint16))
    random = np.random.default_rng(0)
    panics = 0
    for _ in range(200):
        damaged = bytearray(frame)
        damaged[int(random.integers(64, len(damaged)))] ^= 0x80
        try:
            rle_package.decode_frame(bytes(damaged), module.rows * module.columns, 16, "<")
        except BaseException as error:  # noqa: BLE001 - a panic is no Exception
            panics += type(error).__name__ == "PanicException"
            with pytest.raises(RecordError, match="cannot be decoded"):
                decode_rle(bytes(damaged), module)
    assert panics > 0
