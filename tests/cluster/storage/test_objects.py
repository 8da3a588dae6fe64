"""The words that all stores speak in: a store of either kind gives the same of the same objects."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster.storage import open_store
from cluster.storage.objects import ObjectHead, ObjectInfo, Store
from tests.support.seaweed import S3


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return open_store(str(tmp_path / "root"))
    s3: S3 = request.getfixturevalue("s3")
    return open_store(request.getfixturevalue("bucket_prefix"), s3.settings)


def test_a_head_is_what_the_listing_says_and_for_s3_the_metadata_too(store: Store) -> None:
    store.put("a/b", b"12345", {"rows": "7"})
    (info,) = store.list()
    head = store.head("a/b")
    assert isinstance(head, ObjectHead)
    assert ObjectInfo(*(getattr(head, field.name) for field in dataclasses.fields(ObjectInfo))) == info
    assert (info.key, info.size) == ("a/b", 5)
    assert info.modified.tzinfo is UTC
    assert abs(datetime.now(UTC) - info.modified) < timedelta(minutes=5)
    assert head.metadata in ({"rows": "7"}, {})


def test_another_body_has_another_etag_and_the_same_one_keeps_it(store: Store) -> None:
    store.put("a", b"1", {})
    first = next(store.list()).etag
    assert next(store.list()).etag == first
    store.put("a", b"22", {})
    assert next(store.list()).etag != first


def test_what_is_not_there_has_no_head_and_can_be_deleted(store: Store) -> None:
    assert store.head("nothing") is None
    store.delete("nothing")
    assert not store.pending_uploads()
