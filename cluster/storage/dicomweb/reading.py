"""Read one instance by WADO-RS: as it is stored, and proved to be the one that was asked for."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import IO

from cluster.storage.dicomweb.instances import LOOKED_AT, Instance, is_instance
from cluster.storage.dicomweb.multipart import OnePart
from cluster.storage.dicomweb.service import Answer, Question, Service, Unproved
from cluster.storage.errors import ObjectTooLarge
from cluster.storage.range_reader import RangeReader, Sink

_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_KINDS = ("application/dicom", "application/octet-stream")
_IN_MEMORY = 16 << 20


class Body:
    """The bytes of an instance as they come. `size` is what is told of their number before they came, if it is.

    Raises Unproved where they are not those of the instance, TransientError where they do not come.
    """

    def __init__(self, service: Service, instance: Instance) -> None:
        self._where = service.where
        self._answer = service.open(Question(instance.key, _ACCEPT))
        try:
            self._read, self.size = self._opened(self._answer)
            self._begun = self._beginning(instance.uid)
        except BaseException:
            self.close()
            raise

    def read(self) -> bytes:
        """The next bytes; empty at the end."""
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        return self._read()

    def close(self) -> None:
        """Read no more."""
        self._answer.close()

    def _opened(self, answer: Answer) -> tuple[Callable[[], bytes], int | None]:
        if answer.kind == "multipart/related":
            part = OnePart(self._where, answer.read, answer.parameter("boundary"))
            if part.kind not in _KINDS:
                raise self._unproved(f"a part is {_shown(part.kind)} and not application/dicom")
            return part.read, part.length
        # Some services give a single instance as it is.
        if answer.kind == "application/dicom":
            if not answer.ends_by_itself:
                raise self._unproved("an answer has neither length nor parts, so that its end cannot be seen")
            return answer.read, None
        raise self._unproved(f"it answers with {_shown(answer.kind)} where an instance was asked for")

    def _beginning(self, uid: str) -> bytes:
        begun = bytearray()
        while len(begun) < LOOKED_AT and (piece := self._read()):
            begun += piece
        if not is_instance(bytes(begun[:LOOKED_AT]), uid):
            raise self._unproved("a body is not the instance that was asked for")
        return bytes(begun)

    def _unproved(self, what: str) -> Unproved:
        return Unproved(f"{self._where}: {what}: look at the service and for a proxy or gateway before it")


def _shown(kind: str) -> str:
    return kind if kind.isascii() and kind.isprintable() and len(kind) < 80 else "something unknown"


def copy(service: Service, instance: Instance, sink: Sink, max_bytes: int | None = None) -> None:
    """Write the whole instance to `sink`, an empty file; tried again.

    Raises ObjectMissing, NotAllowedError and InfrastructureError; ObjectTooLarge once more than `max_bytes` came or
    were told of.
    """

    def attempt() -> None:
        sink.seek(0)
        sink.truncate()
        body = Body(service, instance)
        try:
            _refuse_larger(body.size or 0, max_bytes)
            came = 0
            while piece := body.read():
                came += len(piece)
                _refuse_larger(came, max_bytes)
                sink.write(piece)
        finally:
            body.close()

    service.gate.again(attempt)


def _refuse_larger(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise ObjectTooLarge(size, most)


def reader(service: Service, instance: Instance) -> RangeReader:
    """A seekable file over the instance, of which no more is fetched than what is read up to.

    What came is kept, in memory or beyond some MiB in a temporary file. Where the service does not tell a size, all of
    it comes at once. Raises what `copy` does, and its reads TransientError.
    """
    forward = _Forward(service, instance)
    return RangeReader(forward.at, forward.size, ahead=0, on_close=forward.close)


class _Forward:
    """What came of one instance, and the rest of it still to come."""

    def __init__(self, service: Service, instance: Instance) -> None:
        self._service, self._instance = service, instance
        self._kept: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._came = 0
        self._body: Body | None = None
        self._lock = threading.Lock()
        try:
            self.size = service.gate.again(self._begin)
        except BaseException:
            self.close()
            raise

    def at(self, start: int, length: int) -> bytes:
        with self._lock:
            if self._came < start + length:
                self._service.gate.again(lambda: self._go_on(start + length))
            self._kept.seek(start)
            return self._kept.read(length)

    def close(self) -> None:
        self._end()
        self._kept.close()

    def _begin(self) -> int:
        """Ask for it anew, and forget what came before. Its size."""
        self._end()
        self._kept.seek(0)
        self._kept.truncate()
        self._came = 0
        self._body = Body(self._service, self._instance)
        told = self._body.size
        if told is None:
            self._come(None)
        return self._came if told is None else told

    def _go_on(self, wanted: int) -> None:
        """Have the first `wanted` bytes. One that broke off begins anew: no range can be asked for."""
        if self._body is None and self._begin() != self.size:
            raise self._odd("an instance changed its size while it was read")
        self._come(wanted)

    def _come(self, wanted: int | None) -> None:
        """Have so many bytes, or all. Closes the answer at its end."""
        try:
            self._kept.seek(0, io.SEEK_END)
            while self._body is not None and (wanted is None or self._came < wanted):
                piece = self._body.read()
                if not piece:
                    self._end()
                self._kept.write(piece)
                self._came += len(piece)
        except BaseException:
            self._end()
            raise
        if wanted is not None and self._came < wanted:
            raise self._odd("a body has fewer bytes than it said")

    def _odd(self, what: str) -> Unproved:
        return Unproved(f"{self._service.where}: {what}: look at the service and for a proxy or gateway before it")

    def _end(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
