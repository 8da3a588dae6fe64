"""A store in a bucket: literal keys under a prefix, conditional writes, uploads in parts."""

from pathlib import Path

import pytest

from cluster.storage.errors import ObjectChanged, ObjectMissing
from cluster.storage.retry import Backoff
from cluster.storage.s3 import S3Store, open_s3
from cluster.storage.uri import parse
from tests.support.fault_proxy import FaultProxy
from tests.support.seaweed import S3


@pytest.fixture
def store(s3: S3, bucket_prefix: str) -> S3Store:
    return open_s3(parse(bucket_prefix), s3.settings, Backoff(4, 0.01))


def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(s3: S3, store: S3Store, bucket_prefix: str) -> None:
    beside = open_s3(parse(bucket_prefix + "-beside/"), s3.settings, Backoff(1))
    store.put("a", b"1", {})
    beside.put("a", b"22", {})
    assert [(info.key, info.size) for info in store.list()] == [("a", 1)]
    assert beside.uri == bucket_prefix + "-beside"
    beside.delete("a")


def test_folders_that_a_console_made_are_not_objects(store: S3Store) -> None:
    for key in ("folder/", "folder/a", "z"):
        store.put(key, b"" if key.endswith("/") else b"1", {})
    assert [info.key for info in store.list()] == ["folder/a", "z"]
    assert [info.key for info in store.list("fold")] == ["folder/a"]


def test_of_two_writers_under_a_condition_the_first_one_stays(store: S3Store, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"second")
    assert store.put_if_absent("a", b"first", {"by": "one"})
    assert not store.put_if_absent("a", tmp_path / "body", {"by": "two"})
    assert store.get("a") == b"first"
    head = store.head("a")
    assert head is not None
    assert head.metadata == {"by": "one"}


def test_a_single_committer_looks_and_then_writes_without_a_condition(s3: S3, bucket_prefix: str) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        single = open_s3(parse(bucket_prefix), s3.through(proxy.endpoint_url), Backoff(1), single_committer=True)
        assert single.put_if_absent("a", b"first", {})
        assert not single.put_if_absent("a", b"second", {})
        assert [method for method, _, _ in proxy.log] == ["HEAD", "PUT", "HEAD"]
        assert single.get("a") == b"first"


def test_an_empty_range_is_of_an_object_that_is_there_and_is_the_planned_one(store: S3Store) -> None:
    store.put("a", b"12345", {})
    etag = next(store.list()).etag
    assert store.get("a", 2, 0, if_etag=etag) == b""
    with pytest.raises(ObjectChanged):
        store.get("a", 2, 0, if_etag="0" * 32)
    with pytest.raises(ObjectMissing):
        store.get("b", 0, 0)


def test_a_reader_holds_on_to_the_version_that_it_opened(store: S3Store) -> None:
    store.put("a", b"12345", {})
    reader = store.open_reader("a")
    store.put("a", b"67890", {})
    with pytest.raises(ObjectChanged):
        reader.read()
    with pytest.raises(ObjectMissing):
        store.open_reader("b")


def test_an_upload_in_parts_is_nothing_until_it_is_completed_and_then_only_if_the_key_is_free(store: S3Store) -> None:
    first = store.stage_upload("a", b"first", {"by": "one"})
    second = store.stage_upload("a", b"second", {"by": "two"})
    assert store.head("a") is None
    assert len(store.pending_uploads()) == 2
    assert first()
    assert not second()
    assert store.get("a") == b"first"
    for upload in store.pending_uploads():
        assert upload.key == "a"
        store.abort_upload(upload)
        store.abort_upload(upload)
    assert store.pending_uploads() == ()


def test_only_uploads_under_the_prefix_are_told(store: S3Store) -> None:
    store.stage_upload("x/a", b"1", {})
    store.stage_upload("y/a", b"1", {})
    assert [upload.key for upload in store.pending_uploads("x/")] == ["x/a"]
    for upload in store.pending_uploads():
        store.abort_upload(upload)
