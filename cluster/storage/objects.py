"""What every store can do, whatever it is made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from cluster.storage.range_reader import RangeReader
from cluster.storage.retry import Backoff


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as listed. `key` is relative to the root of its store; `modified` is in UTC."""

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class ObjectHead(ObjectInfo):
    """One object with its metadata: small ASCII texts by lower-case name."""

    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """What a writer that died left behind: a multipart upload, or a hidden file on a local disk."""

    key: str
    upload_id: str
    initiated: datetime


class Store(Protocol):
    """Objects under one root. Safe for several threads.

    Every method raises InfrastructureError where storage fails, reads only after retries.
    """

    @property
    def uri(self) -> str:
        """The root in canonical form, without a slash at its end."""

    @property
    def backoff(self) -> Backoff:
        """How this store is tried again."""

    @property
    def single_committer(self) -> bool:
        """Whether `put_if_absent` looks and then writes, for a store without conditional writes."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key starts with `prefix`, sorted by the UTF-8 bytes of their keys.

        Directory markers (empty, key ends with a slash) are not objects.
        """

    def head(self, key: str) -> ObjectHead | None:
        """The object without its body; None if there is none."""

    def version(self, key: str, etag: str | None) -> ObjectHead:
        """An object that was seen before, without its body; of any version where `etag` is None.

        Raises ObjectMissing, once that was asked apart in time, and ObjectChanged if its etag is another.
        """

    def get(
        self,
        key: str,
        start: int = 0,
        length: int | None = None,
        *,
        max_bytes: int | None = None,
        if_etag: str | None = None,
    ) -> bytes:
        """The body from byte `start`, `length` bytes or as many as there are.

        Raises ObjectMissing, with `if_etag` once that was asked apart in time; ObjectChanged if its etag is not
        `if_etag`; ObjectTooLarge, before the body is read, if more than `max_bytes` would come.
        """

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        """A seekable file that reads ranges of one version of the object.

        Raises ObjectMissing, and ObjectChanged if its etag is not `if_etag`. Its reads raise InfrastructureError, and
        ObjectChanged where the object is another one by now.
        """

    def sha256(self, key: str) -> str:
        """Hex digest of the body, read as a stream. Raises ObjectMissing."""

    def download(self, key: str, path: Path, *, if_etag: str | None = None) -> None:
        """Write the body to a local file. Raises ObjectMissing, and ObjectChanged if its etag is not `if_etag`.

        An OSError is of that file's own disk.
        """

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        """Create the object in one conditional request; False if the key is taken.

        Never repeated here: a TransientError leaves the outcome unknown, and False after one may mean this very body.
        `commit` settles that. Raises StoreError if the store has no conditional writes.

        A store of a single committer is looked at, then written to without a condition: of two committers at once both
        may be told True, and the body of the last one stays.
        """

    def put(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> None:
        """Create or replace the object."""

    def delete(self, key: str) -> None:
        """Remove the object if it is there."""

    def pending_uploads(self, prefix: str = "") -> Sequence[PendingUpload]:
        """Unfinished writes under `prefix`."""

    def abort_upload(self, upload: PendingUpload) -> None:
        """Remove an unfinished write."""


@runtime_checkable
class MultipartStore(Protocol):
    """A store where a large object is sent in parts and then completed."""

    def stage_upload(self, key: str, body: bytes, metadata: Mapping[str, str]) -> Callable[[], bool]:
        """Send all parts; the function returned completes the object if the key is free, and says whether it was."""
