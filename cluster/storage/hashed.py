"""What a node remembers of files that it has hashed, so that not every worker reads a model directory again."""

import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_SETTLED_S = 2.0
"""File systems count time in steps of up to two seconds (FAT): a file that was changed just now could be changed again
without a mark of it."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")

Mark = tuple[int, int, int, int, int]
"""Device, inode, size, time of the last change of content and of the file (ns)."""


class HashedFiles:
    """The sha256 of files by name, remembered under `root` until the files change or the node starts anew."""

    def __init__(self, root: Path) -> None:
        self._root = root / "hashed"

    def sha256(
        self, folder: Path, names: Iterable[str], compute: Callable[[], Mapping[str, str]], remembered: bool
    ) -> Mapping[str, str]:
        """What `compute` gives for these files of `folder`.

        `remembered`: also what it gave to any process of this node before, if no file was changed since. One process
        computes at a time, so that those that start together wait for the first instead of reading as well. Where
        nothing can be kept (no room, no rights), it is computed.
        """
        own = self._root / _node() / hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
        wanted = list(names)
        with _locked(own):
            began, before = time.time(), _marks(folder, wanted)
            if remembered and before is not None and (known := _read(own, before)) is not None:
                return known
            found = compute()
            if before is not None and before == _marks(folder, wanted) and _are_settled(before, began):
                self._keep(own, before, found)
        return found

    def _keep(self, own: Path, marks: Mapping[str, Mark], files: Mapping[str, str]) -> None:
        scratch = own.with_suffix(f".{uuid.uuid4().hex}")
        with suppress(OSError):
            scratch.write_text(json.dumps({"marks": marks, "files": dict(files)}))
            scratch.replace(own)
            for other in self._root.glob(f"{socket.gethostname()}-*"):
                if other.name != _node():
                    shutil.rmtree(other, ignore_errors=True)


def _node() -> str:
    """This node since it started: after a power cut files may hold other bytes than were written."""
    boot = _BOOT.read_text().strip() if _BOOT.exists() else "unknown"
    return f"{socket.gethostname()}-{boot}"


def _marks(folder: Path, names: Iterable[str]) -> dict[str, Mark] | None:
    """None where a file cannot be looked at."""
    try:
        found = {name: (folder / name).stat() for name in names}
    except OSError:
        return None
    return {name: (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found.items()}


def _are_settled(marks: Mapping[str, Mark], began: float) -> bool:
    return all(max(mark[3:]) < (began - _SETTLED_S) * 1e9 for mark in marks.values())


def _read(own: Path, marks: Mapping[str, Mark]) -> Mapping[str, str] | None:
    try:
        kept: dict[str, Any] = json.loads(own.read_text())
    except (OSError, ValueError):
        return None
    same = kept["marks"] == {name: list(mark) for name, mark in marks.items()}
    files: dict[str, str] = kept["files"]
    return files if same else None


@contextmanager
def _locked(own: Path) -> Iterator[None]:
    """The system releases the lock of a process that dies."""
    try:
        own.parent.mkdir(parents=True, exist_ok=True)
        lock = own.with_suffix(".lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        yield
        return
    with lock:
        yield
