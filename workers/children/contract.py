"""What passes between a worker and its decoding children."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from schemas.status import Status
from workers.children.memory import SharedBytes

Array = NDArray[Any]


class Item(NamedTuple):
    """What a handler makes of one record: numeric arrays of any shape, and values that JSON can carry.

    Through a ChildPool tuples in `meta` come back as lists and array layout as C order.
    """

    arrays: Sequence[Array]
    meta: Mapping[str, Any]


class Handler(Protocol):
    """Decodes one record. `data` is read-only and stays as long as anything refers to it.

    Raises RecordError for what cannot be decoded. MemoryError counts against the record (`too_large`); any other
    exception is a bug of the handler and fails the whole chunk, so third-party decoders are to be as_record_error
    inside it.
    """

    def __call__(self, data: memoryview, context: Mapping[str, Any]) -> Item:
        """The decoded record."""


class Entry(Protocol):
    """Builds a handler in the process where it is to run; named by dotted path `module:function`."""

    def __call__(self, settings: Mapping[str, Any]) -> Handler:
        """`settings` is plain JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One record to decode: its bytes (any contiguous buffer, or what `DecodePool.share` made of one for several
    requests) and what JSON can carry beside them.

    `record_id` is known to armed crash points only and never logged.
    """

    data: bytes | memoryview | SharedBytes
    context: Mapping[str, Any] = field(default_factory=dict)
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one request. `status` None: decoded; else arrays and meta are empty and `detail` says why.

    Arrays are writable views of memory shared by the whole chunk, which lives as long as any of them.
    `seconds` is the processor time of the handler's thread.
    """

    arrays: Sequence[Array] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    status: Status | None = None
    detail: str = ""
    seconds: float = 0.0


class DecodePool(Protocol):
    """ChildPool or InlinePool."""

    def submit(self, chunk: Sequence[Request]) -> Future[list[Result]]:
        """One result a request, in order. Never blocks: the caller bounds what is under way, in bytes.

        The future raises WardroundError where no record is to blame, CancelledError where the pool was closed.
        """

    def share(self, data: bytes | memoryview) -> bytes | memoryview | SharedBytes:
        """The bytes as several requests may have them without a copy for each. Raises OSError without memory."""

    def close(self) -> None:
        """Stop at once, cancel what is under way. May be called again."""
