from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from cluster.storage.errors import ObjectChanged, ObjectMissing, TransientError
from cluster.storage.local_reading import LocalFile, LocalReading, etag_of
from cluster.storage.retry import Backoff
from schemas.errors import InfrastructureError

ONCE = Backoff(attempts=1, first=0.0)
TWICE = Backoff(attempts=2, first=0.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    return path


class StaleOnce(LocalFile):
    """A handle that a mount lost: its first read fails as a stale one does."""

    stale = True

    def at(self, start: int, length: int) -> bytes:
        if StaleOnce.stale:
            StaleOnce.stale = False
            raise TransientError(f"directory: {errno.errorcode[errno.ESTALE]}")
        return super().at(start, length)


def reading(file: Path, backoff: Backoff = ONCE, kind: type[LocalFile] = LocalFile) -> LocalReading:
    return LocalReading(lambda: kind(str(file), str(file.parent)), backoff)


def test_a_range_is_read_from_its_place(file: Path) -> None:
    opened = reading(file)
    assert (opened.at(2, 3), opened.at(0, 0), opened.at(0, 10)) == (b"234", b"", b"0123456789")
    opened.close()


def test_a_handle_that_went_stale_is_opened_anew_by_its_name(file: Path) -> None:
    StaleOnce.stale = True
    assert reading(file, TWICE, StaleOnce).at(0, 4) == b"0123"


def test_one_that_leads_to_another_version_then_is_told(file: Path) -> None:
    StaleOnce.stale = True
    opened = reading(file, TWICE, StaleOnce)
    file.unlink()
    file.write_bytes(b"another")
    with pytest.raises(ObjectChanged):
        opened.at(0, 4)


def test_a_file_that_is_written_while_it_is_read_is_another_one(file: Path) -> None:
    opened = reading(file)
    with file.open("ab") as sink:
        sink.write(b"x")
    with pytest.raises(ObjectChanged):
        opened.at(0, 4)


def test_a_file_that_shrank_says_so(file: Path) -> None:
    with LocalFile(str(file), str(file.parent)) as opened, pytest.raises(InfrastructureError, match="a file shrank"):
        opened.at(5, 6)


def test_what_is_no_regular_file_is_a_missing_object_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
    for name in ("pipe", "socket", "gone", "."):
        with pytest.raises(ObjectMissing):
            LocalFile(str(tmp_path / name), str(tmp_path))


def test_an_etag_tells_versions_of_one_size_apart(file: Path) -> None:
    before = etag_of(file.stat())
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    assert etag_of(file.stat()) != before
