"""What a local disk and S3 have in common: each test runs on both."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import ObjectChanged, ObjectMissing, ObjectTooLarge, Store, open_store
from tests.support.seaweed import S3

ODD_KEYS = [
    "a.txt", "a-b", "a b", "a%20b", "a+b", "a#b?c=d&e", "a/b", "ünïcode/é.png", "e\u0301", "日本.png",
    "quote'\"q", "tilde~(1)!*.x", "new\nline", "\U0001f600.png", "\uffee.png", "Z", ".hidden", "sp end ", "a/b.d/c",
]  # fmt: skip


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return open_store(str(tmp_path / "root"))
    s3: S3 = request.getfixturevalue("s3")
    return open_store(request.getfixturevalue("bucket_prefix"), s3.settings)


def test_odd_keys_come_back_as_they_were_in_the_order_of_their_bytes(store: Store) -> None:
    for key in ODD_KEYS:
        store.put(key, key.encode(), {})
    listed = list(store.list())
    assert [info.key for info in listed] == sorted(ODD_KEYS, key=lambda key: key.encode())
    assert all(store.get(info.key) == info.key.encode() and info.size == len(info.key.encode()) for info in listed)
    assert [info.key for info in store.list("a/")] == ["a/b", "a/b.d/c"]
    assert [info.key for info in store.list("a b")] == ["a b"]
    for key in ODD_KEYS:
        store.delete(key)
    assert list(store.list()) == []


def test_a_long_listing_is_complete(store: Store) -> None:
    keys = [f"{number:05}" for number in range(1_050)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.put(key, b"", {}), keys))
    assert [info.key for info in store.list()] == keys
    assert len(list(store.list("0000"))) == 10


def test_nothing_is_listed_where_nothing_was_written(store: Store) -> None:
    assert list(store.list()) == list(store.list("folder/")) == []
    assert store.head("x") is None
    store.delete("x")
    for call in (store.get, store.sha256, store.open_reader):
        with pytest.raises(ObjectMissing):
            call("x")
    with pytest.raises(ObjectMissing):
        store.get("x", length=0)


def test_ranges_are_those_of_the_body(store: Store) -> None:
    body = bytes(range(100))
    store.put("x", body, {})
    store.put("empty", b"", {})
    assert store.get("x", 10) == body[10:]
    assert store.get("x", 10, 5) == body[10:15]
    assert store.get("x", 90, 50) == body[90:]
    assert store.get("x", 100) == store.get("x", 500, 5) == store.get("x", 5, 0) == b""
    assert store.get("empty") == store.get("empty", 0, 10) == b""


def test_too_large_is_known_before_the_body_is_read(store: Store) -> None:
    store.put("x", bytes(1000), {})
    assert len(store.get("x", max_bytes=1000)) == 1000
    assert len(store.get("x", 0, 10, max_bytes=10)) == 10
    with pytest.raises(ObjectTooLarge) as caught:
        store.get("x", max_bytes=999)
    assert (caught.value.size, caught.value.limit) == (1000, 999)


def test_a_changed_object_is_not_taken_for_the_planned_one(store: Store, tmp_path: Path) -> None:
    store.put("x", b"first", {})
    etag = next(store.list()).etag
    assert store.get("x", if_etag=etag) == b"first"
    store.put("x", b"second body", {})
    for length in (None, 3, 0):
        with pytest.raises(ObjectChanged):
            store.get("x", 0, length, if_etag=etag)
    with pytest.raises(ObjectChanged):
        store.download("x", tmp_path / "down", if_etag=etag)
    with pytest.raises(ObjectChanged):
        store.open_reader("x", if_etag=etag)
    assert store.open_reader("x", if_etag=next(store.list()).etag).read() == b"second body"


def test_one_of_four_creators_wins(store: Store) -> None:
    gate = threading.Barrier(4)

    def create(number: int) -> bool:
        gate.wait()
        return store.put_if_absent("folder/x", f"body {number}".encode(), {"attempt": str(number)})

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(create, range(4)))
    assert sum(won) == 1
    assert store.get("folder/x") == f"body {won.index(True)}".encode()
    assert not store.put_if_absent("folder/x", b"later", {})
    assert [info.key for info in store.list()] == ["folder/x"]


def test_a_body_may_be_a_file(store: Store, tmp_path: Path) -> None:
    body = np.random.default_rng(0).bytes(3 << 20)
    (tmp_path / "body").write_bytes(body)
    assert store.put_if_absent("x", tmp_path / "body", {})
    assert not store.put_if_absent("x", tmp_path / "body", {})
    assert store.sha256("x") == hashlib.sha256(body).hexdigest()
    store.download("x", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == body


def test_parquet_is_read_by_row_group(store: Store) -> None:
    table = pa.table({"id": [str(number) for number in range(5000)], "x": np.random.default_rng(0).random(5000)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=1000)
    store.put("t.parquet", sink.getvalue().to_pybytes(), {})
    file = pq.ParquetFile(store.open_reader("t.parquet"))
    assert file.num_row_groups == 5
    assert file.read_row_group(3).equals(table.slice(3000, 1000))
    assert file.read().equals(table)


def test_a_reader_seeks_like_a_file(store: Store, tmp_path: Path) -> None:
    body = np.random.default_rng(1).bytes(2_500_000)
    store.put("x", body, {})
    rng = np.random.default_rng(2)
    with store.open_reader("x") as reader:
        for _ in range(60):
            start, length = int(rng.integers(0, 2_600_000)), int(rng.integers(0, 1_500_000))
            assert reader.seek(start) == start
            assert reader.read(length) == body[start : start + length]
            assert reader.tell() == max(start, min(start + length, len(body)))
        assert reader.seek(-5, 2) == len(body) - 5
        assert reader.read() == body[-5:]


def test_metadata_of_a_parquet_file_is_read_back(store: Store) -> None:
    schema = pa.schema([("x", pa.int64())], metadata={"wardround.fingerprint": "f1", "other": "y"})
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"x": [1]}, schema=schema), sink)
    store.put_if_absent("s.parquet", sink.getvalue().to_pybytes(), {"fingerprint": "f1"})
    store.put_if_absent("run.json", b'{"fingerprint": "f1", "rows": 3}', {"fingerprint": "f1"})
    assert [store.head(key).metadata for key in ("s.parquet", "run.json")] == [{"fingerprint": "f1"}] * 2
