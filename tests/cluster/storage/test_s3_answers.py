"""Answers of S3 that hold together, and all others."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.storage.objects import ObjectInfo
from cluster.storage.s3_answers import EtagProof, Paging, RangeIgnored, Unproved, body_of, head_of, is_md5_of, latest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKENS = {"NextContinuationToken": "ContinuationToken"}


def paging() -> Paging[str]:
    return Paging("bucket", "p/", "Contents", TOKENS, lambda item: item["Key"])


def page(*keys: str, **more: Any) -> dict[str, Any]:
    return {"IsTruncated": False, "Contents": [{"Key": key} for key in keys], **more}


def test_a_page_gives_what_it_holds_and_where_the_next_one_is() -> None:
    found = paging().page(page("p/a", "p/b", IsTruncated=True, NextContinuationToken="t", KeyCount=2))
    assert (found.items, found.after) == (["p/a", "p/b"], {"ContinuationToken": "t"})


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({}, "no list"),
        (page("p/a", KeyCount=2), "how many keys"),
        (page("q/a"), "another place"),
        ({"IsTruncated": False, "Contents": [{}]}, "another place"),
        (page("p/a", IsTruncated=True), "not where"),
    ],
)
def test_what_is_no_page_is_not_believed(answer: dict[str, Any], why: str) -> None:
    with pytest.raises(Unproved, match=why):
        paging().page(answer)


def test_a_list_that_comes_back_to_where_it_was_ends() -> None:
    pages = paging()
    pages.page(page("p/a", IsTruncated=True, NextContinuationToken="1"))
    with pytest.raises(Unproved, match="leads back"):
        pages.page(page("p/b", IsTruncated=True, NextContinuationToken="1"))
    with pytest.raises(Unproved, match="twice"):
        pages.page(page("p/a", IsTruncated=True, NextContinuationToken="2"))
    for number in range(1000):
        pages.page(page(IsTruncated=True, NextContinuationToken=f"n{number}"))
    with pytest.raises(Unproved, match="without a key"):
        pages.page(page(IsTruncated=True, NextContinuationToken="last"))


def test_a_page_that_was_refused_may_be_asked_for_again() -> None:
    pages = paging()
    with pytest.raises(Unproved):
        pages.page(page("p/a", KeyCount=7, IsTruncated=True, NextContinuationToken="1"))
    assert pages.page(page("p/a", IsTruncated=True, NextContinuationToken="1")).items == ["p/a"]


@pytest.mark.parametrize("lacking", ["ETag", "ContentLength", "LastModified"])
def test_a_head_without_one_of_its_parts_is_not_believed(lacking: str) -> None:
    answer = {"ETag": '"e"', "ContentLength": 3, "LastModified": NOW, "Metadata": {"a": "b"}}
    assert head_of("bucket", "k", answer).metadata == {"a": "b"}
    del answer[lacking]
    with pytest.raises(Unproved):
        head_of("bucket", "k", answer)


@pytest.mark.parametrize(
    ("told", "length", "first", "last", "good"),
    [
        ("bytes 0-9/10", 10, 0, 9, True),
        ("bytes 5-9/10", 5, 5, 99, True),
        ("bytes 5-9/10", 5, 5, None, True),
        ("bytes 5-8/10", 4, 5, 9, False),
        ("bytes 4-9/10", 6, 5, 9, False),
        ("bytes 5-9/10", 10, 5, 9, False),
        ("", 10, 0, 9, False),
        ("bytes 0-9/*", 10, 0, 9, False),
    ],
)
def test_a_range_has_to_be_the_one_that_was_asked_for(
    told: str, length: int, first: int, last: int | None, good: bool
) -> None:
    answer = {"ETag": '"e"', "ContentLength": length, "ContentRange": told}
    if good:
        assert body_of("bucket", answer, first, last).length == length
    else:
        with pytest.raises(RangeIgnored):
            body_of("bucket", answer, first, last)


def test_a_part_for_the_whole_is_not_believed() -> None:
    with pytest.raises(Unproved):
        body_of("bucket", {"ETag": '"e"', "ContentLength": 5, "ContentRange": "bytes 0-4/10"}, 0, None)


def test_an_etag_is_the_md5_of_the_body_of_a_file_and_of_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"body")
    etag = hashlib.md5(b"body").hexdigest()
    assert is_md5_of(etag, b"body")
    assert is_md5_of(etag, tmp_path / "a")
    assert not is_md5_of(etag, b"other")
    assert not is_md5_of(f"{etag}-2", b"body")


def test_etags_are_not_looked_at_any_more_where_none_was_ever_an_md5() -> None:
    etag = "0" * 32
    proof, mixed = EtagProof(), EtagProof()
    mixed.held()
    for _ in range(3):
        assert proof.is_of_use(etag)
        proof.odd()
        mixed.odd()
    assert not proof.is_of_use(etag)
    assert mixed.is_of_use(etag)
    assert not mixed.is_of_use("abc-2")


def test_an_object_on_two_pages_counts_once_as_it_was_last() -> None:
    old, new = ObjectInfo("k", 1, "a", NOW), ObjectInfo("k", 2, "b", NOW.replace(year=2027))
    assert latest(iter([new, old])) == [new]
