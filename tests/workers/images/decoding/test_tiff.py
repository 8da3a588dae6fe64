"""TIFF against tifffile's arrays and Pillow."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import settings
from workers.images.decoding.decode import Decoded, decode
from workers.images.decoding.tiff import count_pages

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (33, 47), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (33, 47, 3), dtype=np.uint8)


def written(pixels: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def ok(data: bytes, **changes: Any) -> Decoded:
    decoded = decode(data, settings(**changes))
    assert decoded.error is None, decoded.error
    return decoded


def refusal(data: bytes) -> Status:
    error = decode(data, settings()).error
    assert error is not None
    return error.status


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_pixels_are_those_that_were_written(compression: str | None, dtype: str, byteorder: str) -> None:
    pixels = (GREY.astype(np.float32) * 97).astype(dtype)
    found = ok(written(pixels, photometric="minisblack", compression=compression, byteorder=byteorder)).frames[0]
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixels.dtype == dtype


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"planarconfig": "separate"}, {"compression": "zlib"}])
def test_colour_is_rgb_however_it_is_laid_out(options: dict[str, Any]) -> None:
    pixels = np.moveaxis(COLOUR, -1, 0) if "planarconfig" in options else COLOUR
    found = ok(written(pixels, photometric="rgb", **options)).frames[0]
    np.testing.assert_array_equal(found.pixels, COLOUR)
    assert found.pixels.flags.c_contiguous


def test_alpha_is_dropped() -> None:
    alpha = np.dstack([COLOUR, GREY])
    found = ok(written(alpha, photometric="rgb", extrasamples=["unassalpha"])).frames[0]
    np.testing.assert_array_equal(found.pixels, COLOUR)


def test_every_page_is_a_frame() -> None:
    pages = np.stack([GREY, 255 - GREY, GREY // 2])
    data = written(pages, photometric="minisblack")
    every = ok(data, frame="all")
    assert every.n_frames == 3
    np.testing.assert_array_equal([frame.pixels for frame in every.frames], pages)
    np.testing.assert_array_equal(ok(data, frame="middle").frames[0].pixels, pages[1])
    np.testing.assert_array_equal(decode(data, settings(), 2).frames[0].pixels, pages[2])


def test_zero_as_white_is_inverted_as_pillow_does() -> None:
    data = written(GREY, photometric="miniswhite")
    np.testing.assert_array_equal(ok(data).frames[0].pixels, np.asarray(Pillow.open(io.BytesIO(data))))


def test_a_palette_gives_pillows_colours() -> None:
    picture = Pillow.fromarray(COLOUR).quantize(50)
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF")
    np.testing.assert_array_equal(ok(buffer.getvalue()).frames[0].pixels, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_inside_tiff_equals_pillows(colour: bool) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(COLOUR if colour else GREY).save(buffer, "TIFF", compression="jpeg", quality=90)
    expected = np.asarray(Pillow.open(io.BytesIO(buffer.getvalue())).convert("RGB" if colour else "L"))
    np.testing.assert_array_equal(ok(buffer.getvalue()).frames[0].pixels, expected)


def test_one_bit_pixels_are_zero_and_one() -> None:
    found = ok(written(GREY > 100, photometric="minisblack")).frames[0]
    np.testing.assert_array_equal(found.pixels, (GREY > 100).astype(np.uint8))
    assert found.value_range == (0, 1)


@pytest.mark.parametrize(
    "data",
    [
        written(np.dstack([COLOUR, GREY]), photometric="separated"),
        written(COLOUR, photometric="cielab"),
        written(np.stack([GREY] * 5, -1), photometric="minisblack", planarconfig="contig"),
        written(GREY.astype(np.complex64), photometric="minisblack"),
        written(np.stack([GREY] * 16), volumetric=True, tile=(16, 16, 16), photometric="minisblack"),
    ],
)
def test_pages_that_are_neither_grey_nor_rgb_are_unsupported(data: bytes) -> None:
    assert refusal(data) is Status.UNSUPPORTED


def test_a_tiff_without_the_end_of_its_pixels_is_unreadable() -> None:
    for compression in (None, "zlib"):
        whole = written(GREY, photometric="minisblack", compression=compression)
        assert refusal(whole[: len(whole) - 60]) is Status.UNREADABLE


def test_pages_are_counted_with_the_size_of_the_first() -> None:
    assert count_pages(io.BytesIO(written(np.stack([GREY] * 3), photometric="minisblack"))) == (3, 33, 47)
    with pytest.raises(RecordError) as caught:
        count_pages(io.BytesIO(b"II*\0"))
    assert caught.value.status == Status.UNREADABLE


@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_page_is_turned_as_pillow_turns_it(orientation: int, pixels: NDArray[Any]) -> None:
    data = written(pixels, extratags=[(274, "H", 1, orientation, True)])
    with Pillow.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(ok(data).frames[0].pixels, np.asarray(picture))


def test_every_page_is_turned_by_its_own_tag() -> None:
    sink = io.BytesIO()
    with tifffile.TiffWriter(sink) as file:
        for orientation in (1, 6):
            file.write(GREY, extratags=[(274, "H", 1, orientation, True)], contiguous=False)
    first, second = ok(sink.getvalue(), frame="all").frames
    np.testing.assert_array_equal(first.pixels, GREY)
    np.testing.assert_array_equal(second.pixels, np.rot90(GREY, -1))


def first_page_only(data: bytes) -> bytes:
    """As ImageJ writes stacks of more than 4 GB: one page, and no link to another."""
    cut = bytearray(data)
    (page,) = struct.unpack_from("<I", cut, 4)
    (tags,) = struct.unpack_from("<H", cut, page)
    struct.pack_into("<I", cut, page + 2 + 12 * tags, 0)
    return bytes(cut)


def test_a_stack_whose_pictures_have_no_pages_is_not_one_picture() -> None:
    stack = np.stack([GREY, GREY, GREY])
    for options in ({"imagej": True}, {}):
        whole = ok(written(stack, photometric="minisblack", **options), frame="all")
        np.testing.assert_array_equal([frame.pixels for frame in whole.frames], stack)
        assert refusal(first_page_only(written(stack, photometric="minisblack", **options))) is Status.UNSUPPORTED
    assert ok(written(GREY, imagej=True)).n_frames == 1
