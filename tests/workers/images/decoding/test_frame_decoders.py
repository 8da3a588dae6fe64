"""Which package decodes a compressed frame, best first, and what becomes of one that it refuses."""

import imagecodecs
import jpeg_ls
import numpy as np
import pytest

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import dataset, ramp, stored
from workers.contract import Array
from workers.images.decoding import frame_decoders
from workers.images.decoding.codestream import FrameSize, codestream_size
from workers.images.decoding.dicom import DicomImage
from workers.images.decoding.dicom_file import read_dicom
from workers.images.decoding.frame_decoders import chain_of, decode_codestream
from workers.images.decoding.pixel_module import PixelModule

GREY = (ramp() % 256).astype(np.uint8)
DEEP = ramp().astype(np.uint16)


def module_of(pixels: Array) -> PixelModule:
    return DicomImage(read_dicom(stored(dataset(pixels)), 1 << 20)).module


def size_of(frame: bytes) -> FrameSize:
    found = codestream_size(frame)
    assert found is not None
    return found


def packages(frame: bytes) -> list[str]:
    return [decoder.package for decoder in chain_of(size_of(frame))]


def jpeg(pixels: Array, bits: int = 8) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(pixels, level=100, bitspersample=bits))


@pytest.mark.parametrize(
    ("frame", "pixels", "first"),
    [
        (bytes(imagecodecs.jpegls_encode(DEEP)), DEEP, "imagecodecs"),
        (bytes(imagecodecs.jpeg2k_encode(DEEP, level=0, codecformat="J2K")), DEEP, "pylibjpeg-openjpeg"),
        (bytes(imagecodecs.htj2k_encode(DEEP)), DEEP, "pylibjpeg-openjpeg"),
        (bytes(imagecodecs.ljpeg_encode(DEEP, bitspersample=16)), DEEP, "imagecodecs"),
    ],
    ids=["JPEG-LS", "JPEG 2000", "HTJ2K", "lossless JPEG"],
)
def test_a_lossless_codestream_gives_back_the_samples(frame: bytes, pixels: Array, first: str) -> None:
    assert packages(frame)[0] == first
    found = decode_codestream(frame, size_of(frame), module_of(pixels))
    np.testing.assert_array_equal(found, pixels)
    assert found.dtype.isnative


@pytest.mark.parametrize(("bits", "first"), [(8, "pillow"), (12, "imagecodecs")])
def test_of_jpeg_the_precision_chooses(bits: int, first: str) -> None:
    pixels = GREY if bits == 8 else (DEEP % 4096).astype(np.uint16)
    frame = jpeg(pixels, bits)
    assert packages(frame)[0] == first
    found = decode_codestream(frame, size_of(frame), module_of(pixels)).astype(int)
    assert np.abs(found - pixels).max() <= 1 << (bits - 8) << 3


def test_where_one_package_refuses_the_next_one_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(frame: bytes, found: FrameSize) -> Array:
        raise ValueError("I do not")

    first, second = frame_decoders._JPEG_2000
    monkeypatch.setattr(frame_decoders, "_JPEG_2000", (first._replace(decode=refuse), second))
    frame = bytes(imagecodecs.jpeg2k_encode(DEEP, level=0, codecformat="J2K"))
    np.testing.assert_array_equal(decode_codestream(frame, size_of(frame), module_of(DEEP)), DEEP)


def test_what_every_package_refuses_is_unreadable() -> None:
    frame = bytes(imagecodecs.jpegls_encode(DEEP))
    with pytest.raises(RecordError, match="cannot be decoded") as caught:
        decode_codestream(frame[: len(frame) // 2], size_of(frame), module_of(DEEP))
    assert caught.value.status == Status.UNREADABLE


def test_where_no_package_is_installed_the_record_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_decoders, "find_spec", lambda name: None)
    frame = bytes(imagecodecs.jpegls_encode(DEEP))
    with pytest.raises(RecordError, match="pip install imagecodecs") as caught:
        decode_codestream(frame, size_of(frame), module_of(DEEP))
    assert caught.value.status == Status.UNSUPPORTED


@pytest.mark.parametrize("mode", [0, 1, 2], ids=["planes", "lines", "samples"])
@pytest.mark.parametrize("deep", [False, True])
def test_both_packages_read_colours_of_jpeg_ls_in_any_order(mode: int, deep: bool) -> None:
    random = np.random.default_rng(mode)
    pixels = random.integers(0, 1 << 16 if deep else 1 << 8, (9, 13, 3)).astype(np.uint16 if deep else np.uint8)
    frame = bytes(jpeg_ls.encode_array(np.moveaxis(pixels, -1, 0) if mode == 0 else pixels, interleave_mode=mode))
    for decoder in chain_of(size_of(frame)):
        found = np.asarray(decoder.decode(frame, size_of(frame))).reshape(pixels.shape)
        np.testing.assert_array_equal(found, pixels)


def test_both_packages_refuse_the_same_damaged_jpeg_ls() -> None:
    frame = bytes(imagecodecs.jpegls_encode(DEEP))
    decoders = chain_of(size_of(frame))[:2]
    random = np.random.default_rng(0)
    for _ in range(200):
        changed = bytearray(frame)
        changed[int(random.integers(60, len(frame) - 2))] ^= 1 << int(random.integers(8))
        outcomes = []
        for decoder in decoders:
            try:
                outcomes.append(np.asarray(decoder.decode(bytes(changed), size_of(frame))).tobytes())
            except Exception:  # noqa: BLE001 - each has an error of its own
                outcomes.append(b"refused")
        assert outcomes[0] == outcomes[1]
