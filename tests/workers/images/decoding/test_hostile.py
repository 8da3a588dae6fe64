"""Bytes made to hurt: whatever they are, decoding them ends in a status, within bounds of time and memory."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from pydicom.uid import ImplicitVRLittleEndian

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import dataset, ramp, settings, shipped, stored
from workers.images.decoding.decode import decode
from workers.images.decoding.headers import read_header

PICTURE = ramp(30, 40, "uint8", 255)
MAGICS = [
    b"",
    b"\0" * 128 + b"DICM",
    b"\x08\0\5\0CS",
    b"II*\0",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"\x93NUMPY\1\0",
    b"PK\3\4",
    b"\x1f\x8b\x08",
]
ALLOWED = {
    None,
    Status.UNREADABLE,
    Status.UNSUPPORTED,
    Status.NO_PIXELS,
    Status.TOO_LARGE,
    Status.INPUT_CHANGED,
}


def status(data: bytes, **changes: object) -> Status | None:
    error = decode(data, settings(**changes)).error
    return error and error.status


def header_status(data: bytes) -> Status | None:
    try:
        facts = read_header(io.BytesIO(data), settings())
    except RecordError as error:
        return error.status
    return None if facts.has_pixels else Status.NO_PIXELS


def png() -> bytes:
    return cv2.imencode(".png", PICTURE)[1].tobytes()


def jpeg() -> bytes:
    return cv2.imencode(".jpg", PICTURE)[1].tobytes()


def tiff(**options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.stack([PICTURE] * 2), photometric="minisblack", **options)
    return buffer.getvalue()


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, PICTURE)
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, image=PICTURE)
    return buffer.getvalue()


WHOLE = {
    "explicit": shipped("MR_small.dcm"),
    "implicit": shipped("rtdose_1frame.dcm"),
    "big endian": shipped("MR_small_bigendian.dcm"),
    "deflated": shipped("image_dfl.dcm"),
    "rle": shipped("SC_rgb_rle.dcm"),
    "jpeg": shipped("SC_rgb_jpeg_dcmtk.dcm"),
    "jpeg 12 bit": shipped("JPGExtended.dcm"),
    "jpeg lossless": shipped("SC_rgb_jpeg_gdcm.dcm"),
    "jpeg-ls": shipped("JPEGLSNearLossless_08.dcm"),
    "jpeg 2000": shipped("JPEG2000.dcm"),
    "palette": shipped("examples_palette.dcm")[:20000],
    "gzip": shipped("zipMR.gz"),
    "png": png(),
    "jfif": jpeg(),
    "tiff": tiff(),
    "tiff deflated": tiff(compression="zlib"),
    "npy": npy(),
    "npz": npz(),
}


# gdcm, the only decoder of lossless JPEG, may end the process on damaged data: decoding children are there for that.
MUTABLE = set(WHOLE) - {"jpeg lossless"}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_anywhere_ends_in_a_status(name: str) -> None:
    data = WHOLE[name]
    cuts = {*range(0, min(len(data), 160), 8), *range(0, len(data), max(1, len(data) // 60))}
    for cut in sorted(cuts):
        assert status(data[:cut]) in ALLOWED
        assert header_status(data[:cut]) in ALLOWED


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ("npz", "palette")])
def test_a_file_without_its_second_half_has_no_pixels_to_give(name: str) -> None:
    data = WHOLE[name]
    assert status(data[: len(data) // 2]) is not None


@hypothesis_settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(sorted(MUTABLE)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_a_file_with_any_bytes_changed_ends_in_a_status(name: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(WHOLE[name])
    for place, value in changes:
        data[int(place * len(data))] = value
    assert status(bytes(data), max_pixels=4_000_000, frame="all") in ALLOWED
    assert header_status(bytes(data)) in ALLOWED


@hypothesis_settings(max_examples=150, deadline=None, derandomize=True)
@given(
    start=st.sampled_from(
        [
            b"",
            b"\0" * 128 + b"DICM",
            b"\x08\0\5\0CS",
            b"II*\0",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"\x93NUMPY\1\0",
            b"PK\3\4",
            b"\x1f\x8b\x08",
        ]
    ),
    rest=st.binary(max_size=300),
)
def test_random_bytes_behind_any_magic_end_in_a_status(start: bytes, rest: bytes) -> None:
    assert status(start + rest) in ALLOWED
    assert header_status(start + rest) in ALLOWED


@pytest.mark.parametrize("start", [b"MZ", b"\x7fELF", b"II*\0\x08\0\0\0", b"%PDF-1.4"])
def test_a_preamble_that_pretends_to_be_something_else_changes_nothing(start: bytes) -> None:
    data = shipped("CT_small.dcm")
    pretending = start.ljust(128, b"\0") + data[128:]
    np.testing.assert_array_equal(
        decode(pretending, settings()).frames[0].pixels, decode(data, settings()).frames[0].pixels
    )


def undefined_nesting(depth: int) -> bytes:
    """Referenced Series Sequences (0008,1115) of undefined length, one in the other, before the pixels."""
    opening = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    data = stored(dataset(PICTURE))
    at = data.index(b"\x10\x00\x20\x00LO")
    return data[:at] + opening * depth + closing * depth + data[at:]


def test_sequences_nested_ten_thousand_deep_are_unreadable() -> None:
    assert status(undefined_nesting(20)) is None
    error = decode(undefined_nesting(10_000), settings()).error
    assert error is not None
    assert (error.status, error.detail) == (Status.UNREADABLE, "its sequences are nested too deeply")


def test_a_sequence_without_its_end_is_unreadable() -> None:
    data = undefined_nesting(1)
    assert status(data.replace(b"\xfe\xff\xdd\xe0\0\0\0\0", b"", 1)) is Status.UNREADABLE


def deflated_bomb(size: int) -> bytes:
    made = dataset(PICTURE)
    meta = stored(made)
    at = meta.index(b"\x08\x00\x16\x00UI")
    uid = b"1.2.840.10008.1.2.1.99"
    head = meta[:at].replace(b"\x14\x001.2.840.10008.1.2.1\0", struct.pack("<H", len(uid)) + uid)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(meta[at:] + b"\x09\x00\x10\x10OB\0\0" + struct.pack("<I", size))
    return head + body + b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def test_a_deflated_bomb_is_too_large_before_it_is_inflated() -> None:
    assert status(deflated_bomb(1 << 20)) is None
    assert status(deflated_bomb(200 << 20), max_inflated=50 << 20) is Status.TOO_LARGE


def test_a_deflated_transfer_syntax_hidden_from_a_simple_reader_is_bounded_too() -> None:
    """The meta information in implicit VR, which pydicom reads as well."""
    uid = b"1.2.840.10008.1.2.1.99"
    meta = b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00" + struct.pack("<I", len(uid)) + uid
    assert status(meta + zlib.compress(bytes(60 << 20))[2:], max_inflated=1 << 20) is Status.TOO_LARGE


def test_gzip_and_zip_bombs_are_too_large() -> None:
    assert status(gzip.compress(bytes(30 << 20)), max_inflated=1 << 20) is Status.TOO_LARGE
    buffer = io.BytesIO()
    np.savez_compressed(buffer, np.zeros((6000, 6000), np.uint8))
    assert status(buffer.getvalue(), max_inflated=1 << 20) is Status.TOO_LARGE
    assert status(buffer.getvalue(), max_pixels=1 << 20) is Status.TOO_LARGE


def test_a_zip_that_lies_about_what_it_inflates_to_is_unreadable() -> None:
    data = bytearray(npz())
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 200)
    assert status(bytes(data)) is Status.UNREADABLE


@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "TIFF"])
def test_an_image_of_more_pixels_than_allowed_is_not_decoded(suffix: str) -> None:
    buffer = io.BytesIO()
    PillowImage.new("L", (2000, 2000)).save(buffer, suffix)
    assert status(buffer.getvalue(), max_pixels=2000 * 2000 - 1) is Status.TOO_LARGE
    assert status(buffer.getvalue(), max_pixels=2000 * 2000 * 4) is None


def test_a_png_header_that_lies_is_unreadable() -> None:
    data = bytearray(png())
    data[16:24] = struct.pack(">II", 9000, 9000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    assert status(bytes(data)) is Status.UNREADABLE
    data[16:24] = struct.pack(">II", 0, 10)
    assert status(bytes(data)) is Status.UNREADABLE


def test_a_png_chunk_that_claims_gigabytes_is_refused_at_once() -> None:
    data = png()
    at = data.index(b"IDAT") - 4
    assert status(data[:at] + b"\xf0\0\0\0" + data[at + 4 :]) is Status.UNREADABLE
    assert status(data.replace(b"IDAT", b"IDA\xff")) is Status.UNREADABLE


def test_a_jpeg_2000_codestream_larger_than_its_header_is_unreadable() -> None:
    data = shipped("JPEG2000.dcm")
    at = data.index(b"\xff\x4f\xff\x51") + 8
    grown = data[:at] + struct.pack(">II", 60000, 60000) + data[at + 8 :]
    assert status(grown) is Status.UNREADABLE


def test_a_pickle_in_an_npy_file_is_never_opened() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([object()] * 4).reshape(2, 2), allow_pickle=True)
    assert status(buffer.getvalue()) is Status.UNSUPPORTED


def test_a_tiff_whose_pages_point_at_each_other_ends() -> None:
    data = bytearray(tiff())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        first = file.pages[0].offset
        entries = struct.unpack_from("<H", data, file.pages[1].offset)[0]
        struct.pack_into("<I", data, file.pages[1].offset + 2 + 12 * entries, first)
    assert status(bytes(data)) in ALLOWED


def test_a_tiff_strip_that_inflates_far_beyond_its_page_is_a_status() -> None:
    data = bytearray(tiff(compression="zlib"))
    bomb = zlib.compress(bytes(64 << 20), 9)
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        for tag, value in (("StripOffsets", len(data)), ("StripByteCounts", len(bomb))):
            struct.pack_into("<I", data, file.pages[0].tags[tag].offset + 8, value)
    assert status(bytes(data) + bomb) in ALLOWED


def test_names_in_no_known_charset_do_no_harm() -> None:
    made = dataset(PICTURE, SpecificCharacterSet="ISO_IR 100", PatientName="A^B")
    data = stored(made).replace(b"ISO_IR 100", b"NO SUCH ON").replace(b"A^B ", b"\xff\xfe^\x80")
    decoded = decode(data, settings(carry=("PatientName",)))
    assert decoded.error is None
    name = decoded.header["PatientName"]
    assert name is None or name.encode()


def test_an_empty_object_is_unreadable() -> None:
    assert status(b"") is Status.UNREADABLE
    assert header_status(b"") is Status.UNREADABLE


def test_an_object_larger_than_allowed_is_too_large() -> None:
    assert status(png(), max_bytes=100) is Status.TOO_LARGE


def run(program: str, feed: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", program], input=feed, capture_output=True, check=True)


CANARY = "Zebediah"


def test_nothing_of_a_record_reaches_stdout_or_stderr() -> None:
    made = dataset(PICTURE, PatientName=CANARY, NumberOfFrames="1", StudyDate="20200101")
    body = stored(made).replace(b"20200101", CANARY.encode())
    compressed = shipped("SC_rgb_jpeg_dcmtk.dcm").replace(b"\xff\xda", b"\xff\xd9")
    program = (
        "import sys, logging; logging.basicConfig(level=0)\n"
        "from workers.images.decoding.decode import decode\n"
        "from workers.images.settings import ImagesInput\n"
        "s = ImagesInput(collection='images', uri='x', carry=('PatientName', 'StudyDate'))\n"
        "import struct\n"
        "data = sys.stdin.buffer.read()\n"
        "while data:\n"
        "    (n,) = struct.unpack('<I', data[:4])\n"
        "    decode(data[4:4 + n], s)\n"
        "    data = data[4 + n:]\n"
    )
    feed = b"".join(
        struct.pack("<I", len(part)) + part for part in (body, body[:-40], compressed, shipped("badVR.dcm"))
    )
    ran = subprocess.run([sys.executable, "-c", program], input=feed, capture_output=True, check=True)
    assert CANARY.encode() not in ran.stdout + ran.stderr
    assert b"1A" not in ran.stderr


def test_hostile_files_do_not_need_more_memory_than_small_ones() -> None:
    program = (
        "import resource, sys\n"
        "from workers.images.decoding.decode import decode\n"
        "from workers.images.settings import ImagesInput\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "s = ImagesInput(collection='images', uri='x', max_inflated=1 << 20)\n"
        "print(decode(sys.stdin.buffer.read(), s).error.status)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], input=deflated_bomb(300 << 20), capture_output=True, check=True
    )
    found, grown = ran.stdout.split()
    assert found == b"too_large"
    assert int(grown) < 40_000


def test_a_header_under_an_unknown_transfer_syntax_is_unsupported_and_not_short_of_rows() -> None:
    data = dataset(PICTURE)
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    body = stored(data)
    assert header_status(body) is None
    del data.Rows
    assert header_status(stored(data)) is Status.UNREADABLE
    unknown = stored(data).replace(b"1.2.840.10008.1.2\0", b"1.2.840.99999.9.9\0")
    assert header_status(unknown) is status(unknown) is Status.UNSUPPORTED
