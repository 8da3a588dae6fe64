"""A local mount that fails is infrastructure, and tried again as S3 is."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import (
    ObjectChanged,
    ObjectMissing,
    StorageSettings,
    Store,
    TransientError,
    attempt_id,
    commit,
    fetch_directory,
    is_inside,
    open_store,
)
from schemas.errors import InfrastructureError
from tests.support.failing_mount import FailingMount, failing_mount

QUICK = StorageSettings(attempts=3, backoff=0.01)


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[FailingMount]:
    with failing_mount(tmp_path) as mount:
        yield mount


@pytest.fixture
def store(mount: FailingMount) -> Store:
    (mount.backing / "a" / "b").mkdir(parents=True)
    (mount.backing / "a" / "x").write_bytes(b"0123456789" * 100_000)
    (mount.backing / "linked").symlink_to("a/b")
    (mount.backing / "t.json").write_text('{"fingerprint": "f"}')
    pq.write_table(pa.table({"x": range(200_000)}), mount.backing / "t.parquet", row_group_size=50_000)
    restore(mount)
    return open_store(str(mount.path), QUICK)


def restore(mount: FailingMount) -> None:
    """As before any call."""
    for name in ("new", "done"):
        (mount.backing / name).unlink(missing_ok=True)
    deleted = mount.backing / "a" / "b" / "y"
    deleted.parent.mkdir(exist_ok=True)
    deleted.write_bytes(b"y")
    os.utime(deleted, (1e9, 1e9))


def read_all(store: Store) -> bytes:
    with store.open_reader("a/x") as reader:
        return reader.read()


CALLS: dict[str, Any] = {
    "list": lambda store, path: list(store.list()),
    "head": lambda store, path: store.head("a/x"),
    "head of json": lambda store, path: store.head("t.json"),
    "head of parquet": lambda store, path: store.head("t.parquet"),
    "get": lambda store, path: store.get("a/x"),
    "get a range": lambda store, path: store.get("a/x", 5, 10),
    "open_reader": lambda store, path: read_all(store),
    "parquet": lambda store, path: pq.read_table(store.open_reader("t.parquet")),
    "sha256": lambda store, path: store.sha256("a/x"),
    "download": lambda store, path: store.download("a/x", path / "down"),
    "put": lambda store, path: store.put("new", b"body", {}),
    "commit": lambda store, path: commit(store, "done", b"body", fingerprint="f", attempt=attempt_id(), sha256="s"),
    "delete": lambda store, path: store.delete("a/b/y"),
    "pending_uploads": lambda store, path: store.pending_uploads(),
    "is_inside": lambda store, path: is_inside(f"{store.uri}/linked/y", [f"{store.uri}/a"]),
}


@pytest.mark.parametrize("error", ["EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT"])
@pytest.mark.parametrize("call", CALLS)
def test_a_mount_that_keeps_failing_is_infrastructure(
    store: Store, mount: FailingMount, tmp_path: Path, call: str, error: str
) -> None:
    mount.fail(error=error)
    with pytest.raises(InfrastructureError, match=str(mount.path)) as caught:
        CALLS[call](store, tmp_path)
    assert error in str(caught.value)
    assert mount.seen().failed >= (QUICK.attempts if call != "is_inside" else 1)


@pytest.mark.parametrize("call", [call for call in CALLS if call not in ("is_inside", "commit")])
def test_a_mount_that_fails_once_changes_nothing(store: Store, mount: FailingMount, tmp_path: Path, call: str) -> None:
    expected = CALLS[call](store, tmp_path)
    for after in range(4):
        restore(mount)
        mount.fail(after=after, error="ESTALE", times=1)
        assert CALLS[call](store, tmp_path) == expected


@pytest.mark.parametrize("after", range(4))
def test_a_commit_whose_mount_fails_once_is_done_once(store: Store, mount: FailingMount, after: int) -> None:
    mount.fail(after=after, error="ESTALE", times=1)
    assert commit(store, "done", b"body", fingerprint="f", attempt="1", sha256="s").outcome == "committed"
    assert store.get("done") == b"body"


def test_a_reader_goes_on_with_the_version_that_it_began(store: Store, mount: FailingMount) -> None:
    reader = store.open_reader("a/x")
    assert reader.read(10) == b"0123456789"
    mount.fail(error="ESTALE", times=2)
    assert reader.read(20) == b"0123456789" * 2
    assert mount.heal().failed == 2
    (mount.path / "a" / "x").write_bytes(b"another")
    mount.fail(error="ESTALE", times=1)
    with pytest.raises(ObjectChanged):
        reader.read(20)


def test_what_is_not_there_is_missing_and_not_tried_again(store: Store, mount: FailingMount) -> None:
    mount.heal()
    with pytest.raises(ObjectMissing):
        store.get("nowhere")
    assert store.head("nowhere") is None
    assert mount.seen().counted == 0


def test_a_full_disk_is_told_at_once(store: Store, mount: FailingMount) -> None:
    mount.fail(error="ENOSPC")
    with pytest.raises(InfrastructureError, match="ENOSPC: free space") as caught:
        store.put("new", b"body", {})
    assert not isinstance(caught.value, TransientError)


def test_a_model_directory_of_a_mount_is_copied_to_the_node_once(
    store: Store, mount: FailingMount, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = fetch_directory(f"{mount.path}/a", QUICK, cache)
    assert first.path.is_relative_to(cache)
    assert (first.path / "x").read_bytes() == (mount.backing / "a" / "x").read_bytes()
    mount.heal()
    assert fetch_directory(f"{mount.path}/a", QUICK, cache) == first
    # Read once more, to know that it is what lies in the cache.
    assert sorted(mount.seen().opened) == ["a/b/y", "a/x"]
    assert fetch_directory(f"{mount.backing}/a", QUICK, cache) == first


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_a_model_directory_of_a_mount_that_fails_is_infrastructure_and_never_half_there(
    store: Store, mount: FailingMount, tmp_path: Path, after: int
) -> None:
    mount.fail(after=after)
    with pytest.raises(InfrastructureError, match=r"mount.*EIO"):
        fetch_directory(str(mount.path), QUICK, tmp_path / "cache")
    mount.heal()
    fetched = fetch_directory(str(mount.path), QUICK, tmp_path / "cache")
    assert set(fetched.files) == {"a/b/y", "a/x", "linked/y", "t.json", "t.parquet"}
    assert not list((tmp_path / "cache").glob(".partial-*"))


def test_a_cache_on_a_mount_that_fails_names_the_cache(store: Store, mount: FailingMount, tmp_path: Path) -> None:
    cache = mount.path / "cache"
    mount.fail(after=8)
    with pytest.raises(InfrastructureError, match="cache"):
        fetch_directory(str(mount.backing / "a"), QUICK, cache)


def test_arrow_hands_on_what_the_reader_raises(store: Store, mount: FailingMount) -> None:
    """Were it to turn it into an error of its own, a failing mount would pass for a damaged file."""
    for options in ({"pre_buffer": True}, {"pre_buffer": False}, {"pre_buffer": False, "buffer_size": 1 << 16}):
        file = pq.ParquetFile(store.open_reader("t.parquet"), **options)
        mount.fail()
        with pytest.raises(InfrastructureError):
            list(file.iter_batches(1000))
        mount.heal()
    with pytest.raises(pa.ArrowInvalid):
        pq.ParquetFile(io.BytesIO(b"PAR1 no"))
