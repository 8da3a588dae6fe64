"""Read one instance by WADO-RS: as it is stored, and proved to be the one that was asked for."""

from __future__ import annotations

from collections.abc import Callable

from cluster.storage.dicomweb.faults import NotGiven, Unproved
from cluster.storage.dicomweb.instances import LOOKED_AT, Instance, is_instance
from cluster.storage.dicomweb.multipart import OnePart
from cluster.storage.dicomweb.service import Answer, Question, Service
from cluster.storage.errors import ObjectTooLarge
from cluster.storage.range_reader import Sink

ACCEPTS = ('multipart/related; type="application/dicom"; transfer-syntax=*', "application/dicom; transfer-syntax=*")
"""How an instance is asked for. The second is no standard (PS3.18, 10.4.1), and all that some services give."""
_NOT_SO = frozenset({400, 406, 415})
"""Statuses of services that do not know what they are asked to give."""
_KINDS = ("application/dicom", "application/octet-stream")
_GLANCE = 16 << 20
"""Bytes of a body after which it is taken for one that comes."""


class Body:
    """The bytes of an instance as they come. `size` is what is told of their number before they came, if it is.

    Raises Unproved where they are not those of the instance, TransientError where they do not come.
    """

    def __init__(self, service: Service, instance: Instance, *, fresh: bool = False) -> None:
        self._where = service.where
        self._answer = _answer(service, instance, fresh)
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
        # Some services give a single instance as it is; what it is, is proved by its own bytes.
        if answer.kind in _KINDS:
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


def _answer(service: Service, instance: Instance, fresh: bool) -> Answer:
    """The answer to whichever of `ACCEPTS` the service knows; the one that it knew last comes first."""
    known = service.accept
    try:
        return service.open(Question(instance.key, ACCEPTS[known], fresh=fresh))
    except NotGiven as refused:
        if refused.status not in _NOT_SO:
            raise
        try:
            answer = service.open(Question(instance.key, ACCEPTS[1 - known], fresh=fresh))
        except NotGiven:
            raise refused from None
    service.accept = 1 - known
    return answer


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
            service.witnesses.note(instance, came)
        finally:
            body.close()

    service.gate.again(attempt)


def glance(service: Service, instance: Instance) -> None:
    """See in one try whether it comes, from the service itself: whole, or at least some MiB of it. Raises what `copy`
    does."""
    body = Body(service, instance, fresh=True)
    try:
        came = 0
        while came < _GLANCE and (piece := body.read()):
            came += len(piece)
        service.witnesses.note(instance, came)
        service.gate.answered()
    finally:
        body.close()


def _refuse_larger(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise ObjectTooLarge(size, most)
