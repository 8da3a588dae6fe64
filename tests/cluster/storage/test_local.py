from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.storage import ObjectMissing, StorageSettings, open_store
from cluster.storage.local import _link
from schemas.errors import InfrastructureError, SecurityError, StoreError


def test_folders_are_no_objects_and_empty_ones_go_with_their_last_object(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    store.put("a/b/c", b"1", {})
    store.put("a/d", b"2", {})
    assert [info.key for info in store.list()] == ["a/b/c", "a/d"]
    assert store.head("a/b") is None
    with pytest.raises(ObjectMissing):
        store.get("a")
    store.delete("a/b/c")
    assert sorted(os.listdir(tmp_path / "root" / "a")) == ["d"]
    store.delete("a/d")
    assert os.listdir(tmp_path / "root") == []


@pytest.mark.parametrize("key", ["../x", "a/../../x", ".."])
def test_a_key_cannot_leave_the_directory(key: str, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    for call in (store.get, store.head, store.delete, lambda key: store.put(key, b"", {})):
        with pytest.raises(SecurityError, match="root"):
            call(key)


@pytest.mark.parametrize("key", ["/x", "a//b", "", "./x", "a/", "a\0b"])
def test_a_key_that_no_file_can_have_is_missing_and_cannot_be_written(key: str, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    assert store.head(key) is None
    store.delete(key)
    with pytest.raises(ObjectMissing):
        store.get(key)
    with pytest.raises(SecurityError, match="root"):
        store.put_if_absent(key, b"", {})


def test_links_are_followed_once_and_broken_ones_are_missing_objects(tmp_path: Path) -> None:
    root, archive = tmp_path / "root", tmp_path / "archive"
    (archive / "deep").mkdir(parents=True)
    (archive / "deep" / "x").write_bytes(b"x")
    root.mkdir()
    (root / "linked").symlink_to(archive)
    (archive / "deep" / "up").symlink_to(archive)
    (root / "loop").symlink_to(root / "loop")
    (root / "gone").symlink_to(tmp_path / "nowhere")
    store = open_store(str(root))
    assert [info.key for info in store.list()] == ["gone", "linked/deep/x", "loop"]
    for key in ("gone", "loop"):
        with pytest.raises(ObjectMissing):
            store.get(key)


def test_a_pipe_is_no_object_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    store = open_store(str(tmp_path))
    assert list(store.list()) == []
    with pytest.raises(ObjectMissing):
        store.get("pipe")


def test_a_disk_error_names_the_directory_and_never_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InfrastructureError) as caught:
        open_store("/proc/self", StorageSettings(attempts=2, backoff=0.01)).put("secret-key", b"", {})
    assert "/proc/self" in str(caught.value)
    assert "secret-key" not in str(caught.value)


def test_a_disk_without_hard_links_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """The kernel forbids links to folders everywhere (EPERM), as vfat and some network disks do to files."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match=r"no hard links.*output\.single_committer: true"):
        _link(str(tmp_path / "folder"), str(tmp_path / "final"), str(tmp_path))


def test_damaged_content_has_no_metadata(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    for key, body in (
        ("a.parquet", b"PAR1 no"),
        ("b.json", b"{"),
        ("c.json", b"[1]"),
        ("d.json", b"\xff\xfe{"),
        ("e.parquet", b""),
    ):
        store.put(key, body, {})
        assert store.head(key).metadata == {}


_WRITER = """
import sys
from pathlib import Path
from cluster.storage import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
for number in range(10**6):
    store.put_if_absent(f"x-{number:06}", bytes(4 << 20), {"attempt": "a1"})
"""


def test_a_writer_killed_at_any_moment_leaves_whole_objects_and_a_pending_write_at_most(tmp_path: Path) -> None:
    pending = 0
    for round_ in range(4):
        root = tmp_path / str(round_)
        process = subprocess.Popen([sys.executable, "-c", _WRITER, str(root)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + 0.013 * round_)
        process.kill()
        process.communicate()
        store = open_store(str(root))
        assert all(info.size == 4 << 20 for info in store.list())
        left = store.pending_uploads()
        pending += len(left)
        for upload in left:
            assert upload.upload_id.startswith(".tmp-a1-")
            store.abort_upload(upload)
        assert store.pending_uploads() == []
    assert pending >= 1
