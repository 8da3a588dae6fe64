"""One instance as a file, of which no more is fetched than what is read up to."""

from __future__ import annotations

import io
import threading
from tempfile import SpooledTemporaryFile
from typing import IO

from cluster.storage.dicomweb.faults import Unproved
from cluster.storage.dicomweb.instances import Instance
from cluster.storage.dicomweb.presence import asked
from cluster.storage.dicomweb.reading import Body
from cluster.storage.dicomweb.service import Service
from cluster.storage.errors import ObjectError
from cluster.storage.range_reader import RangeReader

_IN_MEMORY = 16 << 20


def reader(service: Service, instance: Instance) -> RangeReader:
    """A seekable file over the instance, of which no more is fetched than what is read up to.

    What came is kept, in memory or beyond some MiB in a temporary file. Where the service does not tell a size, all of
    it comes at once. Raises what `presence.asked` does, and so do its reads.
    """
    forward = asked(service, instance, lambda: _Forward(service, instance))
    return RangeReader(forward.at, forward.size, ahead=0, on_close=forward.close)


class _Forward:
    """What came of one instance, and the rest of it still to come."""

    def __init__(self, service: Service, instance: Instance) -> None:
        self._service, self._instance = service, instance
        self._kept: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._came = 0
        self._body: Body | None = None
        self._given_up: ObjectError | None = None
        self._lock = threading.Lock()
        try:
            self.size = service.gate.again(self._begin)
        except BaseException:
            self.close()
            raise

    def at(self, start: int, length: int) -> bytes:
        with self._lock:
            if self._came < start + length:
                self._have(start + length)
            self._kept.seek(start)
            return self._kept.read(length)

    def close(self) -> None:
        self._end()
        self._kept.close()

    def _have(self, wanted: int) -> None:
        # Parsers ask again for what they did not get, and what a service never gives takes long to prove.
        if self._given_up is not None:
            raise self._given_up
        try:
            asked(self._service, self._instance, lambda: self._service.gate.again(lambda: self._go_on(wanted)))
        except ObjectError as error:
            self._given_up = error
            raise

    def _begin(self) -> int:
        """Ask for it anew, and forget what came before. Its size."""
        self._end()
        self._kept.seek(0)
        self._kept.truncate()
        self._came = 0
        self._body = Body(self._service, self._instance)
        self._service.witnesses.note(self._instance, 0)
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
