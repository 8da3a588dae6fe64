"""Objects as files under one directory of a local disk or mount."""

import errno
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cluster.storage.errors import ObjectChanged, ObjectMissing, ObjectTooLarge, TransientError
from cluster.storage.local_errors import ABSENT, disk
from cluster.storage.local_files import HIDDEN, prune, sync_folder, walk, write_hidden
from cluster.storage.local_metadata import content_metadata
from cluster.storage.local_reading import LocalFile, LocalReading, etag_of
from cluster.storage.objects import ObjectHead, ObjectInfo, PendingUpload
from cluster.storage.range_reader import HashSink, RangeReader, Sink
from cluster.storage.retry import Backoff, again
from schemas.errors import SecurityError, StoreError

T = TypeVar("T")
# The answers of file systems without hard links, such as FAT and some network mounts.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_STEP = 1 << 20


class LocalStore:
    """A directory. The condition of `put_if_absent` is kept by link(2), which fails if the name exists (POSIX)."""

    def __init__(self, root: str, backoff: Backoff, *, single_committer: bool = False) -> None:
        self.uri = root.rstrip("/") or "/"
        self.backoff = backoff
        self.single_committer = single_committer

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every file, links followed, by the bytes of its key."""
        return (_info(key, found) for key, found in walk(self.uri, prefix, self._again))

    def head(self, key: str) -> ObjectHead | None:
        """The file with the metadata that its content carries."""
        try:
            reading = self._reading(key)
        except ObjectMissing:
            return None
        with reading.reader() as file:
            info = _info(key, reading.found)
            return ObjectHead(info.key, info.size, info.etag, info.modified, content_metadata(key, file))

    def version(self, key: str, etag: str | None) -> ObjectHead:
        """Asked once: a disk that answers knows."""
        head = self.head(key)
        if head is None:
            raise ObjectMissing if etag is None else self._missing()
        if etag not in (None, head.etag):
            raise ObjectChanged
        return head

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

        def attempt() -> bytes:
            with self._open(key, if_etag) as file:
                size = file.same(if_etag).st_size
                expected = max(0, min(size - start, size if length is None else length))
                if max_bytes is not None and expected > max_bytes:
                    raise ObjectTooLarge(expected, max_bytes)
                # Compared before and after: a file that is replaced while it is read would give bytes of two
                # versions.
                body = file.at(start, expected)
                file.same(if_etag)
                return body

        return again(attempt, self.backoff)

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        """The version of the file that is there now."""
        return self._reading(key, if_etag).reader()

    def sha256(self, key: str) -> str:
        """Hex digest of the file."""
        sink = HashSink()
        self._copy(key, sink, None)
        return sink.hexdigest()

    def download(self, key: str, path: Path, *, if_etag: str | None = None) -> None:
        """Copy the file."""
        with path.open("wb") as sink:
            self._copy(key, sink, if_etag)

    def _copy(self, key: str, sink: Sink, etag: str | None) -> None:
        """OSErrors of `sink`, which is on another disk, are left to the caller."""

        def attempt() -> None:
            # A failed try may have written a part.
            sink.seek(0)
            sink.truncate()
            with self._open(key, etag) as file:
                size = file.same(etag).st_size
                for start in range(0, size, _STEP):
                    sink.write(file.at(start, min(_STEP, size - start)))
                file.same(etag)

        again(attempt, self.backoff)

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        """Write beside it, then link: the name appears with its whole content or not at all."""
        if self.single_committer:
            return self._put_if_unseen(key, body, metadata)
        final = self._new_path(key)
        # Not tried again here: whether a failed try took effect is for `commit` to find out.
        with disk(self.uri, writing=True):
            hidden = write_hidden(final, body, metadata.get("attempt") or uuid.uuid4().hex)
            try:
                created = _link(hidden, final, self.uri)
            finally:
                os.unlink(hidden)
            # A name survives a loss of power only once its folder is on the disk.
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

        def attempt() -> None:
            os.replace(write_hidden(final, body, metadata.get("attempt") or uuid.uuid4().hex), final)
            sync_folder(os.path.dirname(final))

        self._again(attempt, writing=True)

    def delete(self, key: str) -> None:
        """Remove the file, and the folders that it leaves empty."""
        with suppress(ObjectMissing):
            path = self._path(key)
            self._again(lambda: os.unlink(path))
            prune(os.path.dirname(path), self.uri)

    def pending_uploads(self, prefix: str = "") -> Sequence[PendingUpload]:
        """Hidden files of writers that died, or are still writing."""
        folder = os.path.join(self.uri, prefix.rpartition("/")[0])
        found = self._again(lambda: _hidden(folder))
        return [PendingUpload(os.path.relpath(path, self.uri), os.path.basename(path), at) for path, at in found]

    def abort_upload(self, upload: PendingUpload) -> None:
        """Remove the hidden file."""
        if not upload.upload_id.startswith(HIDDEN):
            raise SecurityError("that is not an unfinished write")
        self.delete(upload.key)

    def _reading(self, key: str, etag: str | None = None) -> LocalReading:
        return LocalReading(lambda: self._open(key, etag), self.backoff, etag)

    def _open(self, key: str, etag: str | None) -> LocalFile:
        try:
            return LocalFile(self._path(key), self.uri)
        except ObjectMissing:
            raise ObjectMissing() if etag is None else self._missing() from None

    def _missing(self) -> Exception:
        """What it means that a file which was seen before is not there: of a mount that is gone, no file is."""
        with suppress(ObjectMissing), disk(self.uri), os.scandir(self.uri) as entries:
            if next(entries, None) is not None:
                return ObjectMissing()
        return TransientError(
            f"directory {self.uri!r} is empty or not there, and held files before: mount it again, then run the same "
            "command again"
        )

    def _again(self, call: Callable[[], T], writing: bool = False) -> T:
        """One call of the file system, its errors in our terms, tried again where that may help."""

        def attempt() -> T:
            with disk(self.uri, writing):
                return call()

        return again(attempt, self.backoff)

    def _path(self, key: str) -> str:
        """Where the object lies. No file has a key with an empty or '.' part: ObjectMissing."""
        parts = key.split("/")
        if ".." in parts:
            raise SecurityError(f"a key leaves {self.uri!r} by '..': correct the uri that it comes from")
        if "\0" in key or not {"", "."}.isdisjoint(parts):
            raise ObjectMissing
        return os.path.join(self.uri, *parts)

    def _new_path(self, key: str) -> str:
        try:
            return self._path(key)
        except ObjectMissing:
            raise SecurityError(f"a key cannot be a file under {self.uri!r}: it is empty or has '//' in it") from None


def _hidden(folder: str) -> list[tuple[str, datetime]]:
    """Unfinished files below a folder, with the time of their last change."""
    paths = [
        os.path.join(at, name)
        for at, _, names in os.walk(folder, onerror=_raise_but_missing)
        for name in names
        if name.startswith(HIDDEN)
    ]
    found = []
    for path in sorted(paths):
        with suppress(FileNotFoundError):  # finished meanwhile
            found.append((path, datetime.fromtimestamp(os.path.getmtime(path), UTC)))
    return found


def _raise_but_missing(error: OSError) -> None:
    if error.errno not in ABSENT:
        raise error


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


def _info(key: str, found: os.stat_result) -> ObjectInfo:
    return ObjectInfo(key, found.st_size, etag_of(found), datetime.fromtimestamp(found.st_mtime, UTC))
