"""PNG and JPEG against Pillow and OpenCV."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from schemas.status import Status
from tests.support.dicom_files import settings
from workers.images.decoding.decode import decode
from workers.images.decoding.rasters import jpeg_header, png_header
from workers.images.prepare.image import Image

RNG = np.random.default_rng(7)
GREY = cv2.GaussianBlur(RNG.integers(0, 256, (50, 71), dtype=np.uint8), (0, 0), 2)
COLOUR = cv2.GaussianBlur(RNG.integers(0, 256, (50, 71, 3), dtype=np.uint8), (0, 0), 2)
ALPHA = RNG.integers(0, 256, (50, 71, 4), dtype=np.uint8)


def saved(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def only(data: bytes | memoryview) -> Image:
    decoded = decode(data, settings())
    assert decoded.error is None, decoded.error
    assert decoded.n_frames == 1
    return decoded.frames[0]


def by_pillow(data: bytes, mode: str) -> NDArray[Any]:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert(mode))


@pytest.mark.parametrize(
    ("picture", "mode", "options"),
    [
        (Pillow.fromarray(GREY), "L", {}),
        (Pillow.fromarray(COLOUR), "RGB", {}),
        (Pillow.fromarray(ALPHA), "RGB", {}),
        (Pillow.fromarray(GREY > 120), "L", {}),
        (Pillow.fromarray(COLOUR).quantize(200), "RGB", {}),
        (Pillow.fromarray(COLOUR).quantize(11), "RGB", {"bits": 4}),
        (Pillow.fromarray(COLOUR).quantize(11), "RGB", {"transparency": 3}),
        (Pillow.fromarray(GREY), "L", {"transparency": 3}),
    ],
)
def test_png_pixels_equal_pillows_without_alpha(picture: Pillow.Image, mode: str, options: dict[str, Any]) -> None:
    data = saved(picture, "PNG", **options)
    found = only(data)
    np.testing.assert_array_equal(found.pixels, by_pillow(data, mode))
    assert found.value_range == (0, 255)
    assert found.pixels.flags.c_contiguous


def test_a_grey_png_with_alpha_stays_grey() -> None:
    data = saved(Pillow.fromarray(ALPHA[..., :2].copy(), "LA"), "PNG")
    np.testing.assert_array_equal(only(data).pixels, ALPHA[..., 0])


@pytest.mark.parametrize("pixels", [GREY.astype(np.uint16) * 251, COLOUR.astype(np.uint16) * 251])
def test_a_png_of_16_bits_keeps_them(pixels: NDArray[Any]) -> None:
    bgr = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    found = only(cv2.imencode(".png", bgr)[1].tobytes())
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixels.dtype == np.uint16
    assert found.value_range == (0, 65535)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_colour_jpeg_equals_pillows(subsampling: int, progressive: bool) -> None:
    data = saved(Pillow.fromarray(COLOUR), "JPEG", subsampling=subsampling, progressive=progressive, quality=80)
    np.testing.assert_array_equal(only(data).pixels, by_pillow(data, "RGB"))


def test_grey_jpeg_equals_pillows_and_has_no_channel_axis() -> None:
    data = saved(Pillow.fromarray(GREY), "JPEG")
    np.testing.assert_array_equal(only(data).pixels, by_pillow(data, "L"))


def test_the_orientation_in_exif_is_not_applied() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    data = saved(Pillow.fromarray(COLOUR), "JPEG", exif=exif)
    np.testing.assert_array_equal(only(data).pixels, by_pillow(data, "RGB"))
    assert only(data).pixels.shape == COLOUR.shape


def test_a_long_profile_before_the_size_of_a_jpeg_is_skipped() -> None:
    data = saved(Pillow.fromarray(COLOUR), "JPEG", icc_profile=bytes(200_000))
    np.testing.assert_array_equal(only(data).pixels, by_pillow(data, "RGB"))


@pytest.mark.parametrize("cut", [1, 2, 40, 300])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_is_cut_off_is_unreadable_even_by_a_byte(kind: str, cut: int) -> None:
    error = decode(saved(Pillow.fromarray(COLOUR), kind)[:-cut], settings()).error
    assert error is not None
    assert error.status is Status.UNREADABLE


def test_bytes_after_the_end_are_ignored() -> None:
    for kind in ("PNG", "JPEG"):
        data = saved(Pillow.fromarray(GREY), kind)
        np.testing.assert_array_equal(only(data + bytes(500)).pixels, only(data).pixels)


def test_a_cmyk_jpeg_is_unsupported() -> None:
    error = decode(saved(Pillow.fromarray(ALPHA, "CMYK"), "JPEG"), settings()).error
    assert error is not None
    assert error.status is Status.UNSUPPORTED


def test_a_memory_view_gives_the_same_as_bytes() -> None:
    for kind in ("PNG", "JPEG", "TIFF"):
        data = saved(Pillow.fromarray(COLOUR), kind)
        np.testing.assert_array_equal(only(memoryview(data)).pixels, only(data).pixels)


def test_a_format_other_than_the_one_asked_for_is_unreadable() -> None:
    data = saved(Pillow.fromarray(GREY), "PNG")
    error = decode(data, settings(format="dicom")).error
    assert error is not None
    assert error.status is Status.UNREADABLE
    assert decode(data, settings(format="png")).error is None


def test_a_raster_has_one_frame_and_no_identifiers() -> None:
    data = saved(Pillow.fromarray(GREY), "PNG")
    assert decode(data, settings(carry=("PatientID",)), 0).header == {"PatientID": None}
    error = decode(data, settings(), 1).error
    assert error is not None
    assert error.status is Status.INPUT_CHANGED


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_header_says_columns_rows_bits_and_kind_before_anything_is_decoded(mode: str) -> None:
    picture = Pillow.new(mode, (71, 50))
    assert png_header(saved(picture, "PNG")) == (71, 50, 8, 0 if mode == "L" else 2)
    size = jpeg_header(saved(picture, "JPEG"))
    assert (size.rows, size.columns, size.channels, size.bits) == (50, 71, 1 if mode == "L" else 3, 8)


def test_a_jpeg_of_a_few_bytes_whose_segment_lies_is_an_unreadable_record() -> None:
    decoded = decode(bytes.fromhex("ffd8 ffc0 0002 ffda 0000"), settings())
    assert decoded.error is not None
    assert decoded.error.status == Status.UNREADABLE
