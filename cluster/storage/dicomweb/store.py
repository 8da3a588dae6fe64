"""The instances of a DICOMweb service as the objects of a store that is only read."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from cluster.storage.dicomweb.forward import reader
from cluster.storage.dicomweb.instances import Instance, instance_at
from cluster.storage.dicomweb.keys import Search
from cluster.storage.dicomweb.presence import asked
from cluster.storage.dicomweb.reading import copy
from cluster.storage.dicomweb.search import instances
from cluster.storage.dicomweb.service import Service, service_at
from cluster.storage.errors import ObjectMissing
from cluster.storage.objects import ObjectHead, ObjectInfo, PendingUpload
from cluster.storage.range_reader import HashSink, RangeReader, Sink
from cluster.storage.settings import StorageSettings
from cluster.storage.uri import Uri
from schemas.errors import UsageError


def open_dicomweb(uri: Uri, settings: StorageSettings) -> "DicomWebStore":
    """The store of the service at `uri`. Sends no request."""
    return DicomWebStore(uri, service_at(str(uri).removeprefix("dicomweb+").rstrip("/"), settings))


class DicomWebStore:
    """Implements `Store`. A key is `studies/<uid>/series/<uid>/instances/<uid>`; there is no etag: DICOM has it that an
    instance never changes under its UID (PS3.3, C.12.1.1.1)."""

    def __init__(self, uri: Uri, service: Service) -> None:
        self.uri = str(uri).rstrip("/")
        self.backoff = service.backoff
        self.single_committer = False
        self._service = service

    def search(self, search: Search) -> Iterator[str]:
        """The keys of all instances that the service finds, by study, series and instance UID, each once."""
        return (instance.key for instance in instances(self._service, search))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Raises UsageError."""
        self._refuse("is searched, and not listed: it can be input.uri of collection images, and nothing else")

    def head(self, key: str) -> ObjectHead | None:
        """Raises UsageError."""
        self._refuse("has instances, and no files of other kinds: it can be input.uri of collection images")

    def version(self, key: str, etag: str | None) -> ObjectHead:
        """Raises UsageError."""
        self._refuse("has instances, and no files of other kinds: it can be input.uri of collection images")

    def get(
        self,
        key: str,
        start: int = 0,
        length: int | None = None,
        *,
        max_bytes: int | None = None,
        if_etag: str | None = None,
    ) -> bytes:
        """The whole instance is fetched, whatever part of it is asked for."""
        sink = io.BytesIO()
        self._copied(key, sink, if_etag, max_bytes)
        body = sink.getvalue()
        return body if start == 0 and length is None else body[start : None if length is None else start + length]

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        """Fetches no more than what is read up to."""
        return reader(self._service, self._instance(key, if_etag))

    def sha256(self, key: str) -> str:
        """Hex digest of the instance as the service gives it."""
        sink = HashSink()
        self._copied(key, sink, None)
        return sink.hexdigest()

    def download(self, key: str, path: Path, *, if_etag: str | None = None) -> None:
        """Write the instance to a local file."""
        with path.open("wb") as sink:
            self._copied(key, sink, if_etag)

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        """Raises UsageError."""
        self._refuse(_READ_ONLY)

    def put(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> None:
        """Raises UsageError."""
        self._refuse(_READ_ONLY)

    def delete(self, key: str) -> None:
        """Raises UsageError."""
        self._refuse(_READ_ONLY)

    def pending_uploads(self, prefix: str = "") -> Sequence[PendingUpload]:
        """Raises UsageError."""
        self._refuse(_READ_ONLY)

    def abort_upload(self, upload: PendingUpload) -> None:
        """Raises UsageError."""
        self._refuse(_READ_ONLY)

    def _copied(self, key: str, sink: Sink, etag: str | None, max_bytes: int | None = None) -> None:
        instance = self._instance(key, etag)
        asked(self._service, instance, lambda: copy(self._service, instance, sink, max_bytes))

    def _instance(self, key: str, etag: str | None) -> Instance:
        instance = instance_at(key)
        if instance is None:
            raise ObjectMissing("a DICOMweb service has no such key")
        if etag is not None:
            self._refuse("gives no versions: leave the column etag out of the table")
        return instance

    def _refuse(self, why: str) -> NoReturn:
        raise UsageError(f"{self._service.where}: it {why}")


_READ_ONLY = "is read, and not written to: choose a path or s3:// for output.uri"
