"""What a collection gives to the pipeline: records, read and prepared, in the order of the plan."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from cluster.storage import NotAllowedError
from schemas.errors import InfrastructureError
from schemas.status import Status


@dataclass
class Prepared:
    """One record after reading and preparing.

    `inputs` is what the collection's `ShardScoring` takes: of images, `inputs[p][f]` is frame `f` as prepared by the
    p-th distinct prepare list. `status` is None while all is well.
    `columns` are values that the record's own header gives. `nbytes` counts against the budget until it is scored.
    """

    row: int
    inputs: Sequence[Any] = ()
    status: Status | None = None
    detail: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    nbytes: int = 0


_FORBIDDEN = "; where an object stays forbidden, limits.forbidden: row gives it a row and goes on"


@contextmanager
def at_rows(first: int, last: int | None = None) -> Iterator[None]:
    """Storage that fails says which row of its shard was read, or from which to which: never the key."""
    try:
        yield
    except InfrastructureError as error:
        where = f"row {first}" if last in (None, first) else f"rows {first} to {last}"
        hint = _FORBIDDEN if isinstance(error, NotAllowedError) else ""
        raise InfrastructureError(f"{where}: {error}{hint}") from error


def nbytes_of(prepared: Sequence[Prepared]) -> int:
    """What these records count against the budget."""
    return sum(record.nbytes for record in prepared)


class Reader(Protocol):
    """Reads the records of one shard at a time, ahead of who consumes it."""

    prepare_seconds: float
    """Processor seconds spent in decoding and preparing since the start."""

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order, in small lists. Adds what it holds to the budget; the consumer takes it off.

        Reads no further while the budget is full. Closed before its end it takes off what it did not hand over.
        Raises InfrastructureError where storage keeps failing; what is wrong with one record is in its status.
        """

    def close(self) -> None:
        """Stop threads and children."""
