"""Compressed bytes, bounded."""

from __future__ import annotations

import gzip

import pytest

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.inflate import gunzip

PARTS = gzip.compress(b"a" * 1000) + gzip.compress(b"b" * 1000)


def test_a_gzip_file_of_several_members_is_read_to_its_end() -> None:
    assert gunzip(PARTS, 2000) == b"a" * 1000 + b"b" * 1000


@pytest.mark.parametrize(
    ("data", "limit", "status"),
    [
        (PARTS, 1999, Status.TOO_LARGE),
        (PARTS, 999, Status.TOO_LARGE),
        (PARTS[:-9], 5000, Status.UNREADABLE),
        (gzip.compress(b"a" * 1000)[:-9], 5000, Status.UNREADABLE),
        (b"\x1f\x8bnothing of the kind", 5000, Status.UNREADABLE),
    ],
    ids=["one too many", "a part too many", "cut in its second part", "cut", "no gzip"],
)
def test_what_is_too_large_or_damaged_is_told(data: bytes, limit: int, status: Status) -> None:
    with pytest.raises(RecordError) as error:
        gunzip(data, limit)
    assert error.value.status is status


def test_what_a_transfer_left_behind_a_whole_object_is_nothing_to_it() -> None:
    assert gunzip(PARTS + bytes(10) + b"trailer", 2000) == b"a" * 1000 + b"b" * 1000
