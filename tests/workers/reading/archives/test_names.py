"""A member has one name, and a name says where archive and member part."""

from __future__ import annotations

import pytest

from schemas.errors import RecordError
from workers.reading.archives.names import (
    archive_kind,
    leads_outside,
    member_key,
    passed_over,
    split_member,
    text_of,
    zip_name,
)
from workers.reading.archives.places import MemberFault, Place, read_version, version_of


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("a.zip!/b.dcm", ("a.zip", "b.dcm")),
        ("s3://x/a.TAR.GZ!/b!/c#1.dcm", ("s3://x/a.TAR.GZ", "b!/c#1.dcm")),
        ("a.tgz!/in.zip!/b", ("a.tgz", "in.zip!/b")),
        ("d!/a#1.tar!/../b\n", ("d!/a#1.tar", "../b\n")),
        ("a.zip!/", ("a.zip", "")),
        ("a.zip!", None),
        ("a.zip/b", None),
        ("azip!/b", None),
        ("a.gz!/b", None),
    ],
)
def test_the_first_mark_behind_the_ending_of_an_archive_parts_it(key: str, parts: tuple[str, str] | None) -> None:
    assert split_member(key) == parts
    if parts is not None:
        assert member_key(*parts) == key


def test_archives_are_told_by_their_ending() -> None:
    names = ["a.zip", "A.ZIP", "a.tar", "a.tar.gz", "a.tgz", "a.gz", "a.npz", "zip", "a.zip.dcm", "a.tar.bz2"]
    assert [archive_kind(name) for name in names] == ["zip", "zip", "tar", "tgz", "tgz", *[None] * 5]


def test_names_that_an_unpacker_might_write_elsewhere() -> None:
    outside = ["../a", "a/../../b", "/a", "\\a", "C:\\a", "c:/a", "a/..", "..", "a\\..\\b"]
    inside = ["a", "./a", "a..b", "..a/b.", "a/...", "a:b", "a/b:c"]
    assert all(map(leads_outside, outside))
    assert not any(map(leads_outside, inside))


def test_what_is_passed_over_is_told_by_its_name() -> None:
    assert [passed_over(name) for name in ("a/b.dcm", "x.cls.dcm", "DICOMDIR", "._", "a.JSON")] == [
        None,
        None,
        None,
        "files of file managers (__MACOSX, .DS_Store, ...)",
        "*.json beside images",
    ]


def test_every_name_is_text_and_others_stay_others() -> None:
    assert text_of("ü".encode()) == "ü"
    assert text_of(b"\x81", "cp437") == "ü"
    assert text_of(b"a\0\xff") == "a%00%FF"
    assert [
        zip_name(raw, is_utf8=told) for raw, told in ((b"\x81", False), ("ü\0".encode(), False), (b"\x81", True))
    ] == [
        "ü",
        "ü%00",
        "%81",
    ]


@pytest.mark.parametrize(
    "place", [Place("zip", 10, 20, 30, 8, 0xDEADBEEF), Place("tar", 0, 1, 1), Place("tgz", 1 << 40, 0, 0)]
)
def test_a_version_says_where_a_member_lies_and_what_archive_it_is_of(place: Place) -> None:
    for etag in ("9f86", 'W/"9!zip:1', ""):
        assert read_version(version_of(etag, place)) == (etag, place)
        assert read_version(etag) is None


@pytest.mark.parametrize("fault", MemberFault)
def test_a_version_says_why_there_is_none(fault: MemberFault) -> None:
    with pytest.raises(RecordError) as error:
        read_version(version_of("9f86", fault))
    assert (error.value.status, error.value.detail) == fault.fault


@pytest.mark.parametrize("text", ["a!zip:1,2,3,4", "a!rar:1,2,3,4,00000000", "a!fault:none", "a!zip:-1,2,3,4,00000000"])
def test_an_etag_of_a_store_is_not_taken_for_a_place(text: str) -> None:
    assert read_version(text) is None
