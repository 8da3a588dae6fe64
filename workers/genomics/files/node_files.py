"""Large files on the disk of this node: fetched once, whole or not at all, the least recently used given up first."""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cluster.storage import Store
from schemas.errors import InfrastructureError
from workers.genomics.files.fileset import FileVersion

LIMIT = 256 << 30
"""Bytes that the files together may take, unless one alone is larger."""


def default_root() -> Path:
    """`$WARDROUND_CACHE/files`, else `~/.cache/wardround/files`."""
    named = os.environ.get("WARDROUND_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "wardround") / "files"


class NodeFile:
    """One version of one file on this node's disk, kept from being given up until closed.

    Raises ObjectMissing, ObjectChanged (it is not the version named), InfrastructureError (no room).
    """

    def __init__(self, store: Store, file: FileVersion, root: Path | None = None, limit: int = LIMIT) -> None:
        self._root = root or default_root()
        named = f"{store.uri}\n{file.name}\n{file.etag}\n{file.size}"
        self.path = self._root / hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._lock = self._fetch(store, file, limit)

    def _fetch(self, store: Store, file: FileVersion, limit: int) -> IO[bytes]:
        with _disk(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
            lock = self.path.with_suffix(".lock").open("ab")
            try:
                # Many may use the file at once; who fetches or removes it needs the lock alone.
                fcntl.flock(lock, fcntl.LOCK_SH)
                while not self._whole(file):
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    if not self._whole(file):
                        with self._making_room(file.size, limit):
                            self._download(store, file)
                    fcntl.flock(lock, fcntl.LOCK_SH)
                os.utime(self.path)
            except BaseException:
                lock.close()
                raise
            return lock

    def _whole(self, file: FileVersion) -> bool:
        return self.path.exists() and self.path.stat().st_size == file.size

    def _download(self, store: Store, file: FileVersion) -> None:
        for left in self._root.glob(f".partial-{self.path.name}-*"):
            left.unlink(missing_ok=True)
        partial = self._root / f".partial-{self.path.name}-{uuid.uuid4().hex}"
        try:
            store.download(file.name, partial, if_etag=file.etag)
            partial.rename(self.path)
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def _making_room(self, size: int, limit: int) -> Iterator[None]:
        """Give up files that nobody uses, the least recently used first, until there is room."""
        with (self._root / "room.lock").open("ab") as room:
            fcntl.flock(room, fcntl.LOCK_EX)
            files = [path for path in self._root.iterdir() if path.suffix != ".lock" and path.is_file()]
            held = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in files)
            taken = sum(held_size for _, held_size, _ in held)
            for _, held_size, path in held:
                if taken + size <= limit and shutil.disk_usage(self._root).free >= size:
                    break
                taken -= held_size if _give_up(path) else 0
            if shutil.disk_usage(self._root).free < size:
                raise InfrastructureError(
                    f"file cache {str(self._root)!r} has no room for {size} bytes: free space or set WARDROUND_CACHE"
                )
        yield

    def close(self) -> None:
        """Let it be given up when room is needed."""
        self._lock.close()


def _give_up(path: Path) -> bool:
    with path.with_suffix(".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink(missing_ok=True)
        return True


@contextmanager
def _disk(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InfrastructureError(
            f"file cache {str(root)!r}: {error.strerror}: free space there or set WARDROUND_CACHE"
        ) from None
