"""JPEG 2000 files against Pillow at 8 bits, and against what was encoded at more."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import openjpeg
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import settings
from workers.images.decoding.decode import decode
from workers.images.decoding.headers import read_header
from workers.images.decoding.jpeg2000 import jpeg2000_header

RNG = np.random.default_rng(6)
COLOUR = RNG.integers(0, 256, (40, 56, 3), dtype=np.uint8)
JP2 = 1
J2K = 0


def by_pillow(mode: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    Pillow.fromarray(COLOUR).convert(mode).save(sink, "JPEG2000", **options)
    return sink.getvalue()


def by_openjpeg(pixels: NDArray[Any], bits: int, codec: int = JP2) -> bytes:
    colours = 1 if pixels.ndim == 3 else 2
    return bytes(openjpeg.encode(pixels, bits_stored=bits, photometric_interpretation=colours, codec_format=codec))


EIGHT = {
    **{mode: by_pillow(mode) for mode in ("L", "RGB", "RGBA", "LA")},
    "lossy": by_pillow("RGB", quality_layers=[20], irreversible=True),
    "codestream": by_pillow("RGB", no_jp2=True),
}


@pytest.mark.parametrize("kind", EIGHT)
def test_8_bits_are_pillows(kind: str) -> None:
    decoded = decode(EIGHT[kind], settings())
    assert decoded.error is None
    with Pillow.open(io.BytesIO(EIGHT[kind])) as picture:
        shown = np.asarray(picture)
    shown = shown[..., 0] if picture.mode == "LA" else shown if picture.mode == "L" else shown[..., :3]
    np.testing.assert_array_equal(decoded.frames[0].pixels, shown)
    assert decoded.frames[0].value_range == (0, 255)
    facts = read_header(io.BytesIO(EIGHT[kind]), settings())
    assert (facts.format, facts.rows, facts.columns, facts.n_frames) == ("jpeg2000", 40, 56, 1)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("codec", [J2K, JP2])
@pytest.mark.parametrize("colour", [False, True])
def test_more_bits_are_those_that_were_encoded(bits: int, codec: int, colour: bool) -> None:
    pixels = RNG.integers(0, 1 << bits, (40, 56, 3) if colour else (40, 56), dtype=np.uint16)
    (frame,) = decode(by_openjpeg(pixels, bits, codec), settings()).frames
    np.testing.assert_array_equal(frame.pixels, pixels)
    assert frame.value_range == (0, (1 << bits) - 1)


@pytest.mark.parametrize("kind", EIGHT)
@pytest.mark.parametrize("share", [0.01, 0.2, 0.6, 0.97])
def test_what_is_cut_off_is_unreadable(kind: str, share: float) -> None:
    error = decode(EIGHT[kind][: int(len(EIGHT[kind]) * share)], settings()).error
    assert error is not None
    assert error.status is Status.UNREADABLE


def test_signed_samples_of_many_bits_are_unsupported() -> None:
    error = decode(by_openjpeg(RNG.integers(-999, 999, (40, 56), dtype=np.int16), 12), settings()).error
    assert error is not None
    assert error.status is Status.UNSUPPORTED


def test_its_size_is_held_against_the_limit() -> None:
    error = decode(EIGHT["RGB"], settings(max_pixels=100)).error
    assert error is not None
    assert error.status is Status.TOO_LARGE


def test_the_header_is_read_from_the_codestream_whatever_stands_before_it() -> None:
    for codec in (JP2, J2K):
        found = jpeg2000_header(by_openjpeg(COLOUR.astype(np.uint16) << 4, 12, codec))
        assert (found.rows, found.columns, found.channels, found.bits, found.plain) == (40, 56, 3, 12, True)
    with pytest.raises(RecordError, match="without a header"):
        jpeg2000_header(b"\0" * 100)
