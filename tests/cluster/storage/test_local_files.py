from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from cluster.storage import open_store
from cluster.storage.errors import AccessRefusedError, NotAllowedError, ObjectMissing, TransientError
from cluster.storage.local_errors import disk
from cluster.storage.local_files import HIDDEN, make_folder, prune, walk, write_hidden
from schemas.errors import InfrastructureError

T = TypeVar("T")


def ask(call: Callable[[], T]) -> T:
    return call()


def failure(code: int, *, writing: bool = False) -> Exception:
    with pytest.raises((InfrastructureError, ObjectMissing)) as caught, disk("/archive", writing):
        raise OSError(code, "as told", "/archive/patients/4711.dcm")
    return caught.value


@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP])
def test_a_name_that_leads_nowhere_is_a_missing_object_to_a_reader(code: int) -> None:
    assert type(failure(code)) is ObjectMissing
    assert type(failure(code, writing=True)) is TransientError


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (errno.EIO, TransientError, "EIO: check the disk or mount"),
        (errno.ESTALE, TransientError, "ESTALE: check the disk or mount"),
        (errno.ENOSPC, InfrastructureError, "ENOSPC: free space on that disk"),
        (errno.EACCES, NotAllowedError, "EACCES: grant this user access"),
        (errno.EROFS, AccessRefusedError, "EROFS: the disk is read-only"),
    ],
)
def test_only_what_may_pass_is_tried_again_and_no_message_has_the_key(code: int, kind: type, remedy: str) -> None:
    error = failure(code)
    assert type(error) is kind
    assert remedy in str(error)
    assert "4711" not in str(error)


def keys(root: Path, prefix: str = "") -> list[str]:
    return [found.key for found in walk(str(root), prefix, ask)]


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_keys_come_in_the_order_of_their_bytes_folders_with_their_slash(tmp_path: Path) -> None:
    names = ["a-1", "a.txt", "a/b", "a/bc", "a0", "ä", "Z"]
    put(tmp_path, *names)
    assert keys(tmp_path) == sorted(names, key=str.encode)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("a/", ["a/1", "a/b/2"]), ("a/b", ["a/b/2"]), ("a", ["a/1", "a/b/2", "ab"]), ("a/1/", []), ("gone/", [])],
)
def test_a_prefix_may_end_within_a_name(tmp_path: Path, prefix: str, expected: list[str]) -> None:
    put(tmp_path, "a/1", "a/b/2", "ab", "c")
    assert keys(tmp_path, prefix) == expected


def test_links_are_followed_once_and_one_that_leads_nowhere_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "data/x")
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "data" / "up").symlink_to("..")
    (tmp_path / "broken").symlink_to("gone")
    assert keys(tmp_path) == ["broken", "data/x", "link/x"]


def test_unfinished_files_pipes_and_empty_folders_are_no_objects(tmp_path: Path) -> None:
    put(tmp_path, "x", f"{HIDDEN}1")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert keys(tmp_path) == ["x"]


def test_a_hidden_file_lies_beside_its_place_whole(tmp_path: Path) -> None:
    path = Path(write_hidden(str(tmp_path / "new" / "x"), b"body", "attempt"))
    assert path.parent == tmp_path / "new"
    assert path.name.startswith(f"{HIDDEN}attempt-")
    assert path.read_bytes() == b"body"


def test_a_hidden_file_that_cannot_be_filled_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_hidden(str(tmp_path / "x"), tmp_path / "no such body", "attempt")
    assert list(tmp_path.iterdir()) == []


def test_pruning_removes_empty_folders_up_to_the_root_and_stops_at_one_in_use(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "root" / "a" / "b" / "c"))
    prune(str(tmp_path / "root" / "a" / "b" / "c"), str(tmp_path / "root"))
    assert list((tmp_path / "root").iterdir()) == []
    make_folder(str(tmp_path / "root" / "a" / "b"))
    put(tmp_path, "root/a/kept")
    prune(str(tmp_path / "root" / "a" / "b"), str(tmp_path / "root"))
    assert [path.name for path in (tmp_path / "root" / "a").iterdir()] == ["kept"]


def test_under_a_name_that_no_folder_can_have_lies_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / ("x" * 3000)))
    assert list(store.list()) == []
    assert list(store.pending_uploads()) == []
