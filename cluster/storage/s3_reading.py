"""Read the body of an S3 object, going on where a connection broke, and prove that it is the one asked for."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.storage.errors import ObjectChanged, ObjectMissing, ObjectTooLarge, TransientError
from cluster.storage.range_reader import Sink
from cluster.storage.retry import Backoff, refuse_second
from cluster.storage.s3_answers import REMEDY, EtagProof, RangeIgnored, Unproved, body_of
from cluster.storage.s3_errors import BadChecksum, EmptyRange, Where
from cluster.storage.stalls import Watch
from schemas.errors import InfrastructureError, StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bucket:
    """Where a store's reads go, and what all of them share."""

    client: S3Client
    where: Where
    backoff: Backoff
    watch: Watch
    etags: EtagProof = field(default_factory=EtagProof)


@dataclass
class S3Reading:
    """One read of `length` bytes from `start` (None: to the end), of one version of the object."""

    bucket: Bucket
    key: str
    start: int = 0
    length: int | None = None
    max_bytes: int | None = None
    etag: str | None = None
    received: int = 0
    expected: int = 0
    _md5: Any = None
    _odd_md5: str = ""

    def into(self, sink: Sink) -> None:
        """Write the bytes to `sink`, an empty file. Raises what `Store.get` does."""
        pauses = self.bucket.backoff.pauses()
        time.sleep(next(pauses))
        failure: TransientError | None = None
        while True:
            before = self.received
            try:
                self._attempt(sink)
                return self._prove()
            except TransientError as error:
                refuse_second(error, failure)
                failure = error
                # Which bytes are wrong is not known.
                if isinstance(error, BadChecksum):
                    self.received = 0
                    sink.seek(0)
                    sink.truncate()
                # It went on: attempts are counted from the last progress, or a large body over a poor line would
                # never arrive.
                elif self.received >= before + _CHUNK:
                    pauses = self.bucket.backoff.pauses()
                pause = next(pauses, None)
                if pause is None:
                    raise self._given_up(error) from None
                time.sleep(pause)

    def _given_up(self, error: TransientError) -> Exception:
        if isinstance(error, RangeIgnored):
            return StoreError(f"{self.bucket.where} does not answer requests for ranges: use another store")
        return TransientError(f"{error} (tried {self.bucket.backoff.attempts} times)")

    def _attempt(self, sink: Sink) -> None:
        try:
            answer = self.bucket.where.ask(self._request)
        except EmptyRange:
            return
        except ObjectChanged:
            raise self._changed() from None
        stream = answer["Body"]
        try:
            body = body_of(self.bucket.where, answer, self.start + self.received, self._last)
            if self.etag not in (None, body.etag):
                raise self._changed()
            self._refuse_larger(body.length)
            # What is read after a broken connection has to be of this version.
            self.etag = body.etag
            with self.bucket.watch.over(stream._raw_stream, body.length):
                self.bucket.where.ask(lambda: self._copy(stream, sink))
        finally:
            stream.close()

    @property
    def _last(self) -> int | None:
        return None if self.length is None else self.start + self.length - 1

    def _request(self) -> Any:
        options: dict[str, Any] = {}
        first = self.start + self.received
        if first or self.length is not None:
            options["Range"] = f"bytes={first}-{'' if self._last is None else self._last}"
        if self.etag is not None:
            options["IfMatch"] = f'"{self.etag}"'
        return self.bucket.client.get_object(Bucket=self.bucket.where.bucket, Key=self.key, **options)

    def _changed(self) -> Exception:
        """What an answer of another version means, or one that there is another: a HEAD has to say so too."""
        where = self.bucket.where
        try:
            told = where.ask(lambda: self.bucket.client.head_object(Bucket=where.bucket, Key=self.key))
        except ObjectMissing:
            return ObjectChanged()
        except InfrastructureError:
            return Unproved(f"{where}: an answer is not of the version that was asked for: {REMEDY}")
        if str(told.get("ETag", "")).strip('"') in ("", self.etag):
            return Unproved(f"{where}: an answer is of another object than was asked for: {REMEDY}")
        return ObjectChanged()

    def _refuse_larger(self, length: int) -> None:
        if self.max_bytes is not None and self.received + length > self.max_bytes:
            raise ObjectTooLarge(self.received + length, self.max_bytes)
        self.expected = self.received + length

    def _copy(self, stream: Any, sink: Sink) -> None:
        if not self.received:
            whole = self.start == 0 and self.length is None and self.bucket.etags.is_of_use(self.etag or "")
            self._md5 = hashlib.md5(usedforsecurity=False) if whole else None
        while chunk := stream.read(_CHUNK):
            sink.write(chunk)
            self.received += len(chunk)
            if self._md5 is not None:
                self._md5.update(chunk)
        if self.received != self.expected:
            raise TransientError(f"{self.bucket.where}: a body was cut off: check the network")

    def _prove(self) -> None:
        """Raises BadChecksum for a body whose MD5 is not its etag, unless it came so twice."""
        if self._md5 is None:
            return
        found = self._md5.hexdigest()
        if found == self.etag:
            self.bucket.etags.held()
        elif found == self._odd_md5:
            self.bucket.etags.odd()
        else:
            self._odd_md5 = found
            raise BadChecksum(f"{self.bucket.where}: a body arrived damaged: {REMEDY}")
