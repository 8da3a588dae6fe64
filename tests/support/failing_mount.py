"""A real mount that fails when it is told to: a directory served again through FUSE (see `fuse_server`)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_SERVER = Path(__file__).with_name("fuse_server.py")


class Seen(NamedTuple):
    """Since the last `fail` or `heal`: how many opens, reads, writes and listings of what matches there were, how many
    requests failed, and which files were opened and folders listed, in order."""

    counted: int
    failed: int
    opened: list[str]
    listed: list[str]


class FailingMount:
    """The directory `backing`, seen at `path`."""

    def __init__(self, backing: Path, path: Path) -> None:
        self.backing = backing
        self.path = path
        self._server = subprocess.Popen(
            [sys.executable, str(_SERVER), str(backing), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if not self._answer():
            raise OSError((self._server.communicate()[1].strip().splitlines() or ["mount failed"])[-1])

    def fail(self, after: int = 0, error: str = "EIO", match: str = "*", times: int | None = None) -> Seen:
        """From the request behind the first `after` ones on, all that matches fails; `times` of them, None: all."""
        return self._tell(do="set", after=after, error=error, match=match, times=times)

    def heal(self, match: str = "*") -> Seen:
        """Nothing fails any more."""
        return self._tell(do="set", after=0, error=None, match=match, times=None)

    def seen(self) -> Seen:
        """What happened so far."""
        return self._tell(do="tell")

    def close(self) -> None:
        """Unmount."""
        self._server.communicate(timeout=30)

    def _tell(self, **command: Any) -> Seen:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(command) + "\n")
        self._server.stdin.flush()
        return Seen(**self._answer())

    def _answer(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        answer: dict[str, Any] = json.loads(self._server.stdout.readline() or "{}")
        return answer


@contextmanager
def failing_mount(folder: Path) -> Iterator[FailingMount]:
    """`folder/backing` seen at `folder/mount`. Skips the test where this user may not mount."""
    for name in ("backing", "mount"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    try:
        mount = FailingMount(folder / "backing", folder / "mount")
    except OSError as error:
        pytest.skip(f"needs /dev/fuse and the right to mount ({error})")
    try:
        yield mount
    finally:
        mount.close()
