"""Objects that these credentials may not read, passed over where the spec says so.

A store that refuses one object for good would keep its shard from ever being done. Whoever says `limits.forbidden: row`
gets a row for it. Wrong, expired or absent credentials are an outage as before: a refusal counts only where the store
knows who asks, says that this is not allowed, and says so again, apart in time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import TypeVar

from cluster.storage.errors import NotAllowedError, ObjectForbidden
from cluster.storage.objects import ObjectHead, ObjectInfo, PendingUpload, Store
from cluster.storage.range_reader import RangeReader
from cluster.storage.retry import Backoff

T = TypeVar("T")


class PassingOver:
    """A store whose reads raise ObjectForbidden where it does not allow them. Implements `Store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.uri = store.uri
        self.backoff: Backoff = store.backoff
        self.single_committer = store.single_committer

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """As the store lists."""
        return self._store.list(prefix)

    def head(self, key: str) -> ObjectHead | None:
        """As the store answers, or ObjectForbidden."""
        return self._asked(key, lambda: self._store.head(key))

    def version(self, key: str, etag: str | None) -> ObjectHead:
        """As the store answers, or ObjectForbidden."""
        return self._asked(key, lambda: self._store.version(key, etag))

    def get(
        self,
        key: str,
        start: int = 0,
        length: int | None = None,
        *,
        max_bytes: int | None = None,
        if_etag: str | None = None,
    ) -> bytes:
        """As the store answers, or ObjectForbidden."""
        return self._asked(key, lambda: self._store.get(key, start, length, max_bytes=max_bytes, if_etag=if_etag))

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        """As the store answers, or ObjectForbidden; its reads too: a key of KMS is asked for only then."""
        file = self._asked(key, lambda: self._store.open_reader(key, if_etag=if_etag))

        def fetch(start: int, length: int) -> bytes:
            file.seek(start)
            return self._asked(key, lambda: file.read(length))

        return RangeReader(fetch, file.seek(0, 2), ahead=0, on_close=file.close)

    def sha256(self, key: str) -> str:
        """As the store answers, or ObjectForbidden."""
        return self._asked(key, lambda: self._store.sha256(key))

    def download(self, key: str, path: Path, *, if_etag: str | None = None) -> None:
        """As the store answers, or ObjectForbidden."""
        self._asked(key, lambda: self._store.download(key, path, if_etag=if_etag))

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        """As the store does."""
        return self._store.put_if_absent(key, body, metadata)

    def put(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> None:
        """As the store does."""
        self._store.put(key, body, metadata)

    def delete(self, key: str) -> None:
        """As the store does."""
        self._store.delete(key)

    def pending_uploads(self, prefix: str = "") -> Sequence[PendingUpload]:
        """As the store answers."""
        return self._store.pending_uploads(prefix)

    def abort_upload(self, upload: PendingUpload) -> None:
        """As the store does."""
        self._store.abort_upload(upload)

    def _asked(self, key: str, call: Callable[[], T]) -> T:
        for pause in self.backoff.doubts():
            try:
                return call()
            except NotAllowedError:
                sleep(pause)
        try:
            return call()
        except NotAllowedError:
            self._ask_reason(key)
            raise ObjectForbidden from None

    def _ask_reason(self, key: str) -> None:
        """A HEAD is refused without a reason, which may be the credentials: raises AccessRefusedError for those."""
        try:
            self._store.get(key, 0, 1)
        except NotAllowedError as error:
            if error.without_reason:
                raise
