"""BMP, WebP, GIF and animated PNG: Pillow's pixels, and a status for what is cut off."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import settings
from workers.images.decoding.decode import decode, open_object
from workers.images.decoding.headers import read_header
from workers.images.decoding.pillow_files import check_mode, count_pictures

RNG = np.random.default_rng(5)
COLOUR = RNG.integers(0, 256, (21, 34, 3), dtype=np.uint8)
OTHER = 255 - COLOUR
TURNED = Pillow.Exif()
TURNED[0x112] = 6


def written(kind: str, mode: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    Pillow.fromarray(COLOUR).convert(mode).save(sink, kind, **options)
    return sink.getvalue()


def animated(kind: str, **options: Any) -> bytes:
    first, second = Pillow.fromarray(COLOUR), Pillow.fromarray(OTHER)
    sink = io.BytesIO()
    first.save(sink, kind, save_all=True, append_images=[second, first], **options)
    return sink.getvalue()


def pillows(data: bytes, index: int = 0) -> NDArray[Any]:
    """What Pillow shows, without alpha: grey stays grey, a palette is looked up."""
    with Pillow.open(io.BytesIO(data)) as picture:
        picture.seek(index)
        if picture.mode == "LA":
            return np.asarray(picture)[..., 0]
        return np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))


WHOLE = {
    **{f"bmp {mode}": written("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")},
    **{f"webp {mode}": written("WEBP", mode) for mode in ("L", "RGB", "RGBA")},
    "lossless webp": written("WEBP", "RGBA", lossless=True),
    **{f"turned {kind}": written(kind, "RGB", exif=TURNED) for kind in ("WEBP", "PNG", "JPEG")},
    **{f"gif {mode}": written("GIF", mode) for mode in ("1", "L", "P", "RGB")},
    "animated gif": animated("GIF"),
    "animated webp": animated("WEBP", lossless=True),
    "animated png": animated("PNG"),
    "animated png with a default image": animated("PNG", default_image=True),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_the_pixels_are_pillows(kind: str) -> None:
    decoded = decode(WHOLE[kind], settings())
    assert decoded.error is None
    np.testing.assert_array_equal(decoded.frames[0].pixels, pillows(WHOLE[kind]))
    assert decoded.frames[0].pixels.dtype == np.uint8
    assert decoded.frames[0].value_range == (0, 255)
    assert read_header(io.BytesIO(WHOLE[kind]), settings()).n_frames == decoded.n_frames


@pytest.mark.parametrize("kind", ["animated gif", "animated webp"])
def test_every_picture_of_an_animation_is_a_frame(kind: str) -> None:
    decoded = decode(WHOLE[kind], settings(frame="all"))
    assert decoded.n_frames == len(decoded.frames) == 3
    for index, frame in enumerate(decoded.frames):
        np.testing.assert_array_equal(frame.pixels, pillows(WHOLE[kind], index))
    (alone,) = decode(WHOLE[kind], settings(), 1).frames
    np.testing.assert_array_equal(alone.pixels, decoded.frames[1].pixels)


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_what_is_cut_off_is_unreadable(kind: str, share: float) -> None:
    data = WHOLE[kind][: int(len(WHOLE[kind]) * share)]
    error = decode(data, settings(frame="all")).error
    assert error is not None
    assert error.status is Status.UNREADABLE


@pytest.mark.parametrize("kind", ["bmp RGB", "webp RGB", "animated gif"])
def test_its_size_is_held_against_the_limit_before_it_is_decoded(kind: str) -> None:
    error = decode(WHOLE[kind], settings(max_pixels=21 * 33)).error
    assert error is not None
    assert error.status is Status.TOO_LARGE


def test_more_pixels_than_pillows_own_bound_are_ours_to_judge() -> None:
    header = b"BM" + bytes(12) + (40).to_bytes(4, "little") + (14_000).to_bytes(4, "little") * 2
    data = header + b"\1\0\x18\0" + bytes(24)
    for limit, status in ((10**6, Status.TOO_LARGE), (2 * 10**9, Status.UNREADABLE)):
        error = decode(data, settings(max_pixels=limit)).error
        assert error is not None
        assert error.status is status


@pytest.mark.parametrize("data", [b"BM" + bytes(40), b"BMW is no image", b"RIFF\0\0\0\0WAVE", b"GIF88a"])
def test_what_only_begins_alike_is_no_image(data: bytes) -> None:
    error = decode(data, settings()).error
    assert error is not None
    assert error.status is Status.UNREADABLE


def test_pictures_are_counted_without_decoding_them_and_odd_colours_refused() -> None:
    assert count_pictures("gif", io.BytesIO(animated("GIF"))) == (3, 21, 34)
    assert count_pictures("bmp", io.BytesIO(written("BMP", "RGB"))) == (1, 21, 34)
    with pytest.raises(RecordError, match="cut off or damaged"):
        count_pictures("bmp", io.BytesIO(b"GIF89a"))
    check_mode("LA")
    with pytest.raises(RecordError, match="neither grey nor RGB"):
        check_mode("CMYK")


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_frames_of_an_open_animation_are_the_same_in_any_order(kind: str) -> None:
    data = animated(kind)
    frames = open_object(data, settings())
    for index in (2, 0, 1, 1, 2, 0):
        np.testing.assert_array_equal(frames(index).frames[0].pixels, decode(data, settings(), index).frames[0].pixels)
