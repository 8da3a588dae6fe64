"""A directory is hashed once on a node, and again as soon as any file of it may be another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.storage import fetch_directory
from cluster.storage.hashed import HashedFiles
from schemas.errors import RefusedError

NAMES = ["config.json", "weights/a.bin"]


def a_folder(path: Path, age: float = 60.0) -> Path:
    """Two files, last changed so many seconds ago as far as their file system tells of content."""
    for name in NAMES:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode() * 100)
        then = time.time() - age
        os.utime(path / name, (then, then))
    return path


class Node:
    """One node's memory; counts how often files were read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reads = 0

    def sha256(self, folder: Path, remembered: bool = True) -> None:
        def compute() -> dict[str, str]:
            self.reads += 1
            return {name: (folder / name).read_text() for name in NAMES}

        found = HashedFiles(self.root).sha256(folder, NAMES, compute, remembered)
        assert found == {name: (folder / name).read_text() for name in NAMES}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The time of the last change of an inode cannot be set: files are young for two seconds.
    monkeypatch.setattr("cluster.storage.hashed._SETTLED_S", -60.0)
    return a_folder(tmp_path / "model")


def test_files_that_did_not_change_are_read_once(tmp_path: Path, folder: Path) -> None:
    node = Node(tmp_path / "cache")
    for _ in range(3):
        node.sha256(folder)
    assert node.reads == 1


def test_who_asks_for_it_has_them_read_anew_and_the_next_remembers_that(tmp_path: Path, folder: Path) -> None:
    node = Node(tmp_path / "cache")
    node.sha256(folder, remembered=False)
    node.sha256(folder, remembered=False)
    node.sha256(folder)
    assert node.reads == 2


def _replaced_by_one_of_the_same_size_and_time(path: Path) -> None:
    found = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"x" * found.st_size)
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)


def _written_in_place_with_its_old_time(path: Path) -> None:
    time.sleep(0.02)  # longer than a step of the kernel's clock
    found = path.stat()
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def _longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


@pytest.mark.parametrize(
    "change", [_replaced_by_one_of_the_same_size_and_time, _written_in_place_with_its_old_time, _longer]
)
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_another_is_read_again(
    tmp_path: Path, folder: Path, change: Callable[[Path], None], name: str
) -> None:
    node = Node(tmp_path / "cache")
    node.sha256(folder)
    change(folder / name)
    node.sha256(folder)
    node.sha256(folder)
    assert node.reads == 2


def test_files_that_were_changed_just_now_are_not_remembered(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "model", age=0)
    node = Node(tmp_path / "cache")
    node.sha256(folder)
    node.sha256(folder)
    assert node.reads == 2


def test_a_node_that_started_anew_and_another_node_read_for_themselves(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(tmp_path / "cache")
    node.sha256(folder)
    boot = tmp_path / "boot_id"
    boot.write_text("later")
    monkeypatch.setattr("cluster.storage.hashed._BOOT", boot)
    node.sha256(folder)
    assert node.reads == 2
    assert len(list((tmp_path / "cache" / "hashed").iterdir())) == 1
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    node.sha256(folder)
    assert node.reads == 3
    assert len(list((tmp_path / "cache" / "hashed").iterdir())) == 2


def test_a_damaged_note_and_a_cache_that_cannot_be_written_cost_only_time(tmp_path: Path, folder: Path) -> None:
    node = Node(tmp_path / "cache")
    node.sha256(folder)
    (note,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file() and not path.suffix)
    note.write_text(note.read_text()[:-9])
    node.sha256(folder)
    assert node.reads == 2
    (tmp_path / "file").write_text("")
    Node(tmp_path / "file").sha256(folder)


def test_a_model_is_refused_once_it_is_another_though_it_was_remembered(tmp_path: Path, folder: Path) -> None:
    first = fetch_directory(str(folder), cache_root=tmp_path / "cache")
    again = fetch_directory(str(folder), cache_root=tmp_path / "cache", expected_sha256=first.digest, remembered=True)
    assert again == first
    _written_in_place_with_its_old_time(folder / NAMES[1])
    with pytest.raises(RefusedError):
        fetch_directory(str(folder), cache_root=tmp_path / "cache", expected_sha256=first.digest, remembered=True)


_SLOW = """
import sys, time
from pathlib import Path
from cluster.storage import hashed
hashed._SETTLED_S = -60.0
def compute():
    with open(sys.argv[3], "a") as log:
        log.write("read\\n")
    time.sleep(0.5)
    return {"config.json": "0" * 64}
print(hashed.HashedFiles(Path(sys.argv[1])).sha256(Path(sys.argv[2]), ["config.json"], compute, True))
"""


def test_workers_that_start_together_wait_for_the_first(tmp_path: Path, folder: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", _SLOW, str(tmp_path / "cache"), str(folder), str(log)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {worker.communicate()[0] for worker in workers}
    assert [json.loads(text.replace("'", '"')) for text in said] == [{"config.json": "0" * 64}]
    assert log.read_text() == "read\n"
