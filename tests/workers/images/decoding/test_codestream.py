"""Frames written byte by byte from the standards' tables."""

from __future__ import annotations

import struct

import pytest

from workers.images.decoding.codestream import FrameSize, begins_codestream, codestream_size, is_whole

SOI, SOS = b"\xff\xd8", b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"scan"


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(body)) + body


def frame_of(process: int, rows: int, columns: int, channels: int, bits: int) -> bytes:
    return segment(process, struct.pack(">BHHB", bits, rows, columns, channels) + b"\x01\x11\x00" * channels)


def siz(left: int, top: int, right: int, bottom: int, channels: int, ssiz: int) -> bytes:
    body = struct.pack(">H8IHB", 0, right, bottom, left, top, right, bottom, 0, 0, channels, ssiz) + b"\x01\x01"
    return b"\xff\x4f" + segment(0x51, body)


@pytest.mark.parametrize("process", [0xC0, 0xC1, 0xC3, 0xCF, 0xF7])
def test_every_kind_of_frame_of_a_jpeg_gives_rows_before_columns(process: int) -> None:
    data = SOI + frame_of(process, 16, 300, 3, 12) + SOS
    assert codestream_size(data) == FrameSize(16, 300, 3, 12, process, scan_at=2 + 19, ids=(1, 1, 1))


@pytest.mark.parametrize("table", [0xC4, 0xC8, 0xCC])
def test_a_table_among_the_markers_of_frames_is_not_one(table: int) -> None:
    data = SOI + frame_of(0xC0, 4, 5, 1, 8) + segment(table, b"\x00" * 9) + SOS
    size = codestream_size(data)
    assert size is not None
    assert (size.rows, size.columns, size.process) == (4, 5, 0xC0)


def test_fill_bytes_and_markers_without_length_are_stepped_over() -> None:
    data = SOI + b"\xff\x01\xff\xd0\xff\xff\xff" + frame_of(0xC2, 7, 9, 1, 8)[1:] + SOS
    size = codestream_size(data)
    assert size is not None
    assert (size.rows, size.columns) == (7, 9)


def test_a_thumbnail_inside_of_a_segment_is_not_the_picture() -> None:
    thumbnail = SOI + frame_of(0xC0, 1, 1, 1, 8) + SOS
    size = codestream_size(SOI + segment(0xE1, thumbnail) + frame_of(0xC0, 40, 50, 1, 8) + SOS)
    assert size is not None
    assert (size.rows, size.columns) == (40, 50)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SOI,
        SOI + SOS,
        SOI + b"\xff\xd9\x00\x00\x00\x00",
        SOI + frame_of(0xC0, 4, 5, 1, 8),
        b"\xff\x4f\xff\x51" + b"\x00" * 38,
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00" * 60,
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_bytes_that_say_no_size_give_none(data: bytes) -> None:
    assert codestream_size(data) is None


def test_a_frame_segment_that_ends_before_its_fields_do_gives_none() -> None:
    """Its length says 2, so that the scan seems to follow at once, and the bytes end within the fields."""
    assert codestream_size(bytes.fromhex("ffd8 ffc0 0002 ffda 0000")) is None
    assert codestream_size(bytes.fromhex("ffd8 ffc0 0002 ffda 000000")) is None


def test_a_jpeg_2000_is_as_large_as_its_grid_without_the_offset() -> None:
    size = codestream_size(siz(left=10, top=3, right=110, bottom=53, channels=3, ssiz=0x8B))
    assert size is not None
    assert size[:4] == (50, 100, 3, 12), "the top bit of Ssiz is the sign"


def test_a_jpeg_2000_in_a_jp2_file_is_found_behind_its_boxes() -> None:
    boxes = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00\x00\x00\x14ftypjp2 \x00\x00\x00\x00jp2 \x00\x00\x00\x00jp2c"
    size = codestream_size(boxes + siz(0, 0, 6, 8, 1, 7))
    assert size is not None
    assert size[:4] == (8, 6, 1, 8)


def test_bytes_between_segments_are_stepped_over() -> None:
    size = codestream_size(SOI + segment(0xDB, b"\x00" * 65) + b"\x00\x00\x00" + frame_of(0xC0, 7, 9, 1, 8) + SOS)
    assert size is not None
    assert (size.rows, size.columns) == (7, 9)
    assert codestream_size(SOI + b"\x00" * 40) is None


@pytest.mark.parametrize(
    ("body", "transform"),
    [
        (b"Adobe\x00\x64\x00\x00\x00\x00\x00", 0),
        (b"Adobe\x00\x64\x00\x00\x00\x00\x01", 1),
        (b"Adobe\x00\x00\x00\x00\x00", None),
    ],
)
def test_an_adobe_segment_names_a_transform_where_it_is_long_enough(body: bytes, transform: int | None) -> None:
    jfif = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    size = codestream_size(SOI + jfif + segment(0xEE, body) + frame_of(0xC0, 4, 5, 3, 8) + SOS)
    assert size is not None
    assert (size.adobe, size.jfif) == (transform, True)


def test_a_jpeg_is_whole_if_an_end_marker_follows_its_scan() -> None:
    thumbnail = segment(0xE1, b"\xff\xd8\xff\xd9")
    data = SOI + thumbnail + frame_of(0xC0, 4, 5, 1, 8) + SOS
    size = codestream_size(data)
    assert size is not None
    assert not is_whole(data, size)
    assert is_whole(data + b"\xff\xd9\x00", size)


def test_a_jpeg_2000_is_whole_if_its_tiles_are_there_and_an_end_marker_follows() -> None:
    header = siz(0, 0, 6, 8, 1, 7) + segment(0x52, b"\x00" * 10)
    tile = b"\xff\x90\x00\x0a\x00\x00" + struct.pack(">I", 30) + b"\x00\x01\xff\x93" + b"\x01" * 16
    for body, whole in (
        (tile + tile + b"\xff\xd9", True),
        (tile + tile + b"\xff\xd9\x00", True),
        (tile + tile, False),
        (tile + tile[:-4] + b"\xff\xd9", False),
        (tile[:6] + b"\x00" * 4 + tile[10:] + b"\xff\xd9", True),
        (b"", False),
    ):
        size = codestream_size(header + body)
        assert size is not None
        assert is_whole(header + body, size) is whole


@pytest.mark.parametrize(
    ("start", "begins"),
    [(b"\xff\xd8\xff\xe0", True), (b"\xff\x4f\xff\x51", True), (b"\xff\xd8\x00", False), (b"", False)],
)
def test_a_compressed_image_is_known_by_its_first_bytes(start: bytes, begins: bool) -> None:
    assert begins_codestream(start) is begins


def test_an_adobe_segment_that_ends_with_the_data_is_no_error() -> None:
    whole = SOI + frame_of(0xC0, 4, 5, 3, 8) + segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x01")
    for length in range(len(whole) + 1):
        assert codestream_size(whole[:length]) is None
