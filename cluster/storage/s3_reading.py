"""Read the body of an S3 object, going on where a broken connection left off."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.storage.errors import ObjectTooLarge, TransientError
from cluster.storage.range_reader import Sink
from cluster.storage.retry import Backoff
from cluster.storage.s3_errors import BadChecksum, EmptyRange, Where
from schemas.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_CHUNK = 1 << 20


@dataclass
class S3Reading:
    """One read of `length` bytes from `start` (None: to the end), of one version of the object."""

    client: S3Client
    where: Where
    backoff: Backoff
    key: str
    start: int = 0
    length: int | None = None
    max_bytes: int | None = None
    etag: str | None = None
    received: int = 0
    expected: int = 0

    def into(self, sink: Sink) -> None:
        """Write the bytes to `sink`, an empty file. Raises what `Store.get` does."""
        pauses = self.backoff.pauses()
        time.sleep(next(pauses))
        while True:
            before = self.received
            try:
                return self._attempt(sink)
            except TransientError as error:
                # Which bytes are wrong is not known.
                if isinstance(error, BadChecksum):
                    self.received = 0
                    sink.seek(0)
                    sink.truncate()
                # It went on: attempts are counted from the last progress, or a large body over a poor line would
                # never arrive.
                elif self.received >= before + _CHUNK:
                    pauses = self.backoff.pauses()
                pause = next(pauses, None)
                if pause is None:
                    raise TransientError(f"{error} (tried {self.backoff.attempts} times)") from None
                time.sleep(pause)

    def _attempt(self, sink: Sink) -> None:
        try:
            answer = self.where.ask(self._request)
        except EmptyRange:
            return
        expected, body = int(answer["ContentLength"]), answer["Body"]
        try:
            self._check(answer, expected)
            # What is read after a broken connection has to be of this version.
            self.etag = answer["ETag"].strip('"')
            self.where.ask(lambda: self._copy(body, sink))
        finally:
            body.close()

    def _request(self) -> Any:
        options: dict[str, Any] = {}
        first = self.start + self.received
        if first or self.length is not None:
            last = "" if self.length is None else str(self.start + self.length - 1)
            options["Range"] = f"bytes={first}-{last}"
        if self.etag is not None:
            options["IfMatch"] = f'"{self.etag}"'
        return self.client.get_object(Bucket=self.where.bucket, Key=self.key, **options)

    def _check(self, answer: Any, expected: int) -> None:
        first = self.start + self.received
        # A server that ignores ranges answers with the whole body, which would pass for the rest of it.
        ranged = str(answer.get("ContentRange", "")).startswith(f"bytes {first}-")
        if (first or self.length is not None) and not ranged:
            raise StoreError(f"{self.where} does not answer requests for ranges: use another store")
        if self.max_bytes is not None and self.received + expected > self.max_bytes:
            raise ObjectTooLarge(self.received + expected, self.max_bytes)
        self.expected = self.received + expected

    def _copy(self, body: Any, sink: Sink) -> None:
        while chunk := body.read(_CHUNK):
            sink.write(chunk)
            self.received += len(chunk)
        if self.received != self.expected:
            raise TransientError(f"{self.where}: a body was cut off: check the network")
