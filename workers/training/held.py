"""Examples of records that are held together, in columns: each is where to look, so that a step is gathered at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class Held(Generic[H]):
    """Record `record` of those that `by` holds."""

    by: H
    record: int


class HeldExamples(Sequence[Held[H]]):
    """The first `count` records, each example made when it is asked for."""

    def __init__(self, by: H, count: int) -> None:
        self.by, self._count = by, count

    def __len__(self) -> int:
        """Number of records."""
        return self._count

    def __getitem__(self, place: Any) -> Any:
        """One, or a stretch of them."""
        if isinstance(place, slice):
            return [Held(self.by, record) for record in range(*place.indices(self._count))]
        return Held(self.by, range(self._count)[place])


class Bodies(Sequence[memoryview]):
    """The bytes of each record in a column of a table that may be larger than memory; each is a view of it."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column

    def __len__(self) -> int:
        """Number of records."""
        return len(self._column)

    def __getitem__(self, place: Any) -> Any:
        """The bytes of one."""
        return memoryview(self._column[place].as_buffer())


class _Records(Protocol):
    def __len__(self) -> int: ...


R = TypeVar("R", bound=_Records)


def all_of(by: R) -> HeldExamples[R]:
    """Every record that `by` holds."""
    return HeldExamples(by, len(by))


def together(examples: Sequence[Held[H]]) -> tuple[H, NDArray[np.int64]]:
    """What holds all of them, and which of its records they are."""
    by = examples[0].by
    assert all(example.by is by for example in examples), "examples of two tables are shown in one step"
    return by, np.array([example.record for example in examples], np.int64)
