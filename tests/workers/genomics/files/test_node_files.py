from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import ObjectChanged, open_store
from schemas.errors import InfrastructureError
from workers.genomics.files.fileset import FileVersion
from workers.genomics.files.node_files import NodeFile


def a_file(folder: Path, name: str, size: int) -> FileVersion:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(bytes(size))
    head = open_store(str(folder)).head(name)
    assert head is not None
    return FileVersion(name, head.size, head.etag)


def test_what_nobody_uses_is_given_up_for_a_new_file_and_what_is_in_use_stays(tmp_path: Path) -> None:
    store, root = open_store(str(tmp_path / "store")), tmp_path / "node"
    files = [a_file(tmp_path / "store", name, 100) for name in "abc"]
    first = NodeFile(store, files[0], root, limit=250)
    second = NodeFile(store, files[1], root, limit=250)
    second.close()
    third = NodeFile(store, files[2], root, limit=250)
    assert first.path.exists()
    assert not second.path.exists()
    assert third.path.read_bytes() == bytes(100)


def test_it_is_fetched_once_and_again_if_it_is_not_whole(tmp_path: Path) -> None:
    store, root = open_store(str(tmp_path / "store")), tmp_path / "node"
    file = a_file(tmp_path / "store", "a", 100)
    node = NodeFile(store, file, root)
    inode = node.path.stat().st_ino
    again = NodeFile(store, file, root)
    assert again.path.stat().st_ino == inode
    again.close()
    node.close()
    node.path.write_bytes(b"half")
    assert NodeFile(store, file, root).path.read_bytes() == bytes(100)


def test_another_version_is_not_taken_for_the_planned_one(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    file = a_file(tmp_path / "store", "a", 100)
    a_file(tmp_path / "store", "a", 101)
    with pytest.raises(ObjectChanged):
        NodeFile(store, file, tmp_path / "node")
    assert not list((tmp_path / "node").glob(".partial-*"))


def test_a_disk_without_room_is_said_to_have_none(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    file = a_file(tmp_path / "store", "a", 1)
    with pytest.raises(InfrastructureError, match="no room"):
        NodeFile(store, FileVersion("a", 1 << 60, file.etag), tmp_path / "node")
