"""Samples of a lossless JPEG take the bits that its frame has, or somebody made them up."""

from __future__ import annotations

from itertools import product
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.status import Status
from tests.support.dicom_files import settings, wrapped
from tests.support.lossless_jpeg import lossless_jpeg
from workers.images.decoding import frame_decoders
from workers.images.decoding.codestream import FrameSize, codestream_size
from workers.images.decoding.decode import Decoded, decode
from workers.images.decoding.lossless_jpeg import read_scan, spare_bits

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
SYNTAX = "1.2.840.10008.1.2.4.57"
PREDICTORS = range(1, 8)


def picture(bits: int, shape: tuple[int, ...] = (21, 33), seed: int = 0) -> Pixels:
    """Smooth, noisy and extreme thirds, so that differences of every size are in it."""
    random = np.random.default_rng((bits, seed))
    values = np.cumsum(random.integers(-1, 2, shape), axis=0) + (1 << bits - 1)
    values[:, 11:22] = random.integers(0, 1 << bits, values[:, 11:22].shape)
    values[:, 22:] = random.integers(0, 2, values[:, 22:].shape) * ((1 << bits) - 1)
    return np.clip(values, 0, (1 << bits) - 1).astype(np.uint8 if bits <= 8 else np.uint16)


def by_libjpeg(pixels: Pixels, bits: int, predictor: int) -> bytes:
    colours = {"colorspace": "RGB", "outcolorspace": "RGB"} if pixels.ndim == 3 else {}
    encode = imagecodecs.jpeg8_encode
    return bytes(encode(pixels, lossless=True, predictor=predictor, bitspersample=bits, **colours))


def size_of(frame: bytes) -> FrameSize:
    found = codestream_size(frame)
    assert found is not None
    return found


def by(name: str, frame: bytes, like: Pixels) -> NDArray[Any]:
    decoded: NDArray[Any] = getattr(frame_decoders, name)(frame, size_of(frame))
    return decoded.reshape(like.shape)


def through(frame: bytes, pixels: Pixels, **attributes: Any) -> Decoded:
    return decode(wrapped([frame], pixels, SYNTAX, **attributes), settings())


@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("shape", [(21, 33), (21, 33, 3)], ids=["grey", "colour"])
def test_all_decoders_give_what_was_encoded_and_it_takes_all_bits(
    predictor: int, bits: int, shape: tuple[int, ...]
) -> None:
    pixels = picture(bits, shape)
    for frame in (by_libjpeg(pixels, bits, predictor), lossless_jpeg(pixels, bits, predictor)):
        scan = read_scan(frame, size_of(frame))
        assert scan is not None
        assert 0 <= spare_bits(scan, size_of(frame), pixels) < 8
        for name in ("_proven_lossless", "_imagecodecs_lossless", "_gdcm"):
            np.testing.assert_array_equal(by(name, frame, pixels), pixels)


@pytest.mark.parametrize("bits", [2, 3, 7, 10, 13, 15])
@pytest.mark.parametrize("shape", [(1, 1), (1, 33), (21, 1), (21, 33)], ids=str)
def test_any_precision_and_shape_is_proven(bits: int, shape: tuple[int, int]) -> None:
    for predictor in PREDICTORS:
        pixels = picture(bits, shape)
        np.testing.assert_array_equal(by("_proven_lossless", by_libjpeg(pixels, bits, predictor), pixels), pixels)


@pytest.mark.parametrize("stored", ["u1", "i1", "u2", "i2"])
def test_samples_with_and_without_sign_come_back(stored: str) -> None:
    bits = 8 * np.dtype(stored).itemsize
    pixels = picture(bits, seed=1)
    found = through(by_libjpeg(pixels, bits, 1), pixels, PixelRepresentation=int(stored[0] == "i"))
    assert found.error is None
    np.testing.assert_array_equal(found.frames[0].pixels, pixels.view(stored))


@pytest.mark.parametrize(("predictor", "shape"), product((1, 4, 7), [(21, 33), (21, 33, 3)]))
def test_a_frame_with_restarts_is_for_gdcm_alone(predictor: int, shape: tuple[int, ...]) -> None:
    pixels = picture(12, shape)
    frame = lossless_jpeg(pixels, 12, predictor, restart=4)
    assert read_scan(frame, size_of(frame)) is None
    np.testing.assert_array_equal(by("_gdcm", frame, pixels), pixels)
    found = through(frame, pixels)
    assert found.error is None
    np.testing.assert_array_equal(found.frames[0].pixels, pixels)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_frame_cut_anywhere_is_unreadable_though_an_end_marker_follows(bits: int) -> None:
    pixels = picture(bits)
    frame = by_libjpeg(pixels, bits, 1)
    begin = size_of(frame).scan_at + 10
    for length in range(begin, len(frame) - 4, 29):
        found = through(frame[:length] + b"\xff\xd9", pixels)
        assert found.error is not None
        assert found.error.status == Status.UNREADABLE


def test_without_gdcm_a_cut_frame_is_unreadable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    find = frame_decoders.find_spec
    monkeypatch.setattr(frame_decoders, "find_spec", lambda name: None if name == "gdcm" else find(name))
    pixels = picture(12)
    frame = by_libjpeg(pixels, 12, 1)
    assert through(frame, pixels).error is None
    assert through(lossless_jpeg(pixels, 12, 1, restart=4), pixels).error is None
    assert through(frame[: len(frame) // 2] + b"\xff\xd9", pixels).error is not None


@pytest.mark.parametrize(("padding", "read"), [(b"\0", True), (b"\0" * 8, True), (b"\0" * 12, False)])
def test_some_padding_before_the_end_marker_is_passed_over(padding: bytes, read: bool) -> None:
    pixels = picture(12)
    frame = by_libjpeg(pixels, 12, 1)
    assert (through(frame[:-2] + padding + frame[-2:], pixels).error is None) == read


def test_a_hole_is_found_by_the_bits_that_are_left() -> None:
    pixels = picture(12)
    frame = by_libjpeg(pixels, 12, 1)
    begin = size_of(frame).scan_at + 10
    for at in range(begin, len(frame) - 60, 97):
        found = through(frame[:at] + bytes(40) + frame[at + 40 :], pixels)
        assert found.error is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\xff\xc3", b"\xff\xc7"),
        (b"\x01\x00\x00", b"\x00\x00\x00"),
        (b"\x01\x00\x00", b"\x01\x00\x01"),
        (b"\x01\x01\x00\x01", b"\x01\x01\x10\x01"),
        (b"\x01\x01\x00\x01", b"\x01\x02\x00\x01"),
    ],
    ids=["differential", "no predictor", "point transform", "no such table", "another component"],
)
def test_of_what_is_out_of_order_nothing_is_proven(old: bytes, new: bytes) -> None:
    frame = lossless_jpeg(picture(12), 12, 1)
    at = frame.rindex(old, 0, size_of(frame).scan_at + 10)
    changed = frame[:at] + new + frame[at + len(new) :]
    assert read_scan(changed, size_of(changed)) is None


def test_components_of_other_sizes_and_markers_among_the_bits_are_not_proven() -> None:
    frame = lossless_jpeg(picture(8, (21, 33, 3)), 8, 1)
    halved = frame.replace(b"\x02\x11\x00", b"\x02\x21\x00", 1)
    assert read_scan(halved, size_of(halved)) is None
    assert read_scan(frame[:-2] + b"\xff\xd0\xff\xd9", size_of(frame)) is None
    assert read_scan(frame[:-2], size_of(frame)) is None
