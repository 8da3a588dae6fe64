"""Frames written byte by byte from the standards' tables."""

from __future__ import annotations

import struct

import pytest

from workers.images.decoding.codestream import FrameSize, codestream_size

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
    assert codestream_size(data) == FrameSize(16, 300, 3, 12, process, scan_at=2 + 19)


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
    assert size == FrameSize(rows=50, columns=100, channels=3, bits=12), "the top bit of Ssiz is the sign"


def test_a_jpeg_2000_in_a_jp2_file_is_found_behind_its_boxes() -> None:
    boxes = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00\x00\x00\x14ftypjp2 \x00\x00\x00\x00jp2 \x00\x00\x00\x00jp2c"
    assert codestream_size(boxes + siz(0, 0, 6, 8, 1, 7)) == FrameSize(8, 6, 1, 8)
