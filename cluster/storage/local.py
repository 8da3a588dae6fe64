"""Objects as files under one directory of a local disk or mount."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from cluster.storage.errors import ObjectChanged, ObjectMissing, ObjectTooLarge
from cluster.storage.local_files import HIDDEN, disk, listed_stat, prune, sync_folder, walk, write_hidden
from cluster.storage.local_metadata import content_metadata
from cluster.storage.objects import ObjectHead, ObjectInfo, PendingUpload
from cluster.storage.retry import Backoff
from schemas.errors import InfrastructureError, SecurityError, StoreError

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


class LocalStore:
    """A directory. The condition of `put_if_absent` is kept by link(2), which fails if the name exists (POSIX)."""

    backoff = Backoff(attempts=3, first=0.05)

    def __init__(self, root: str, *, single_committer: bool = False) -> None:
        self._root = root.rstrip("/") or "/"
        self.single_committer = single_committer

    @property
    def uri(self) -> str:
        """The directory."""
        return self._root

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every file, links followed, by the bytes of its key."""
        with disk(self._root):
            for key, entry in walk(self._root, prefix):
                found = listed_stat(entry)
                if found is not None:
                    yield _info(key, found)

    def head(self, key: str) -> ObjectHead | None:
        """The file with the metadata that its content carries."""
        try:
            path = self._path(key)
            with disk(self._root), _open(path) as file:
                info = _info(key, os.fstat(file.fileno()))
                return ObjectHead(info.key, info.size, info.etag, info.modified, content_metadata(Path(path)))
        except ObjectMissing:
            return None

    def get(
        self,
        key: str,
        start: int = 0,
        length: int | None = None,
        *,
        max_bytes: int | None = None,
        if_etag: str | None = None,
    ) -> bytes:
        """The bytes, of one version of the file if `if_etag` is given."""
        with disk(self._root), io.BufferedReader(_open(self._path(key))) as file:
            size = _same(file, if_etag).st_size
            expected = max(0, min(size - start, size if length is None else length))
            if max_bytes is not None and expected > max_bytes:
                raise ObjectTooLarge(expected, max_bytes)
            file.seek(start)
            body = file.read(expected)
            _same(file, if_etag)
        if len(body) != expected:
            raise InfrastructureError(f"directory {self._root!r}: a file shrank while it was read: stop what writes it")
        return body

    def open_reader(self, key: str) -> io.RawIOBase:
        """The open file."""
        with disk(self._root):
            return _open(self._path(key))

    def sha256(self, key: str) -> str:
        """Hex digest of the file."""
        with disk(self._root), _open(self._path(key)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def download(self, key: str, path: Path, *, if_etag: str | None = None) -> None:
        """Copy the file."""
        with disk(self._root), _open(self._path(key)) as source:
            _same(source, if_etag)
            with path.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            _same(source, if_etag)

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        """Write beside it, then link: the name appears with its whole content or not at all."""
        if self.single_committer:
            return self._put_if_unseen(key, body, metadata)
        final = self._new_path(key)
        with disk(self._root, writing=True):
            hidden = write_hidden(final, body, metadata.get("attempt") or uuid.uuid4().hex)
            try:
                created = _link(hidden, final, self._root)
            finally:
                os.unlink(hidden)
            sync_folder(os.path.dirname(final))
        return created

    def _put_if_unseen(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        if self.head(key) is not None:
            return False
        self.put(key, body, metadata)
        return True

    def put(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> None:
        """Write beside it, then rename over it."""
        final = self._new_path(key)
        with disk(self._root, writing=True):
            os.replace(write_hidden(final, body, metadata.get("attempt") or uuid.uuid4().hex), final)
            sync_folder(os.path.dirname(final))

    def delete(self, key: str) -> None:
        """Remove the file, and the folders that it leaves empty."""
        self._remove(key)

    def pending_uploads(self, prefix: str = "") -> Sequence[PendingUpload]:
        """Hidden files of writers that died, or are still writing."""
        folder = os.path.join(self._root, prefix.rpartition("/")[0])
        found = [
            os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.startswith(HIDDEN)
        ]
        return [self._pending(path) for path in sorted(found)]

    def abort_upload(self, upload: PendingUpload) -> None:
        """Remove the hidden file."""
        if not upload.upload_id.startswith(HIDDEN):
            raise SecurityError("that is not an unfinished write")
        self._remove(upload.key)

    def _pending(self, path: str) -> PendingUpload:
        when = datetime.fromtimestamp(os.path.getmtime(path), UTC)
        return PendingUpload(os.path.relpath(path, self._root), os.path.basename(path), when)

    def _remove(self, key: str) -> None:
        try:
            path = self._path(key)
            with disk(self._root):
                os.unlink(path)
        except ObjectMissing:
            return
        prune(os.path.dirname(path), self._root)

    def _path(self, key: str) -> str:
        """Where the object lies. No file has a key with an empty or '.' part: ObjectMissing."""
        parts = key.split("/")
        if ".." in parts:
            raise SecurityError(f"a key leaves {self._root!r} by '..': correct the uri that it comes from")
        if "\0" in key or not {"", "."}.isdisjoint(parts):
            raise ObjectMissing
        return os.path.join(self._root, *parts)

    def _new_path(self, key: str) -> str:
        try:
            return self._path(key)
        except ObjectMissing:
            raise SecurityError(f"a key cannot be a file under {self._root!r}: it is empty or has '//' in it") from None


def _open(path: str) -> io.FileIO:
    """The file, opened without waiting for a writer where it is a pipe. Raises ObjectMissing for what is no file."""
    file = io.FileIO(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ObjectMissing
    return file


def _link(hidden: str, final: str, root: str) -> bool:
    try:
        os.link(hidden, final)
    except FileExistsError:
        # NFS sends link(2) again after a lost answer and then reports our own link as another's.
        return os.path.samefile(hidden, final)
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise StoreError(
                f"the disk of {root!r} has no hard links, which the commit needs: choose another disk or an S3 store, "
                "or set output.single_committer: true and run one driver only"
            ) from None
        raise
    return True


def _same(file: BinaryIO | io.FileIO, etag: str | None) -> os.stat_result:
    found = os.fstat(file.fileno())
    if etag is not None and _etag(found) != etag:
        raise ObjectChanged
    return found


def _etag(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def _info(key: str, found: os.stat_result) -> ObjectInfo:
    return ObjectInfo(key, found.st_size, _etag(found), datetime.fromtimestamp(found.st_mtime, UTC))
