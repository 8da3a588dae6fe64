"""Histories as a training keeps them: those that `predict` would encode, before any vocabulary is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.ehr.events.contract import STATIC, Histories
from workers.ehr.events.formats.times import Integers, spread

SHOWN = (
    OutputField(name="predicted_at", type="timestamp", meaning="the prediction time"),
    OutputField(name="codes", type="list<string>", meaning="codes of all events up to then, the oldest first"),
    OutputField(name="times", type="list<timestamp>", meaning="their times, null for static ones"),
    OutputField(name="values", type="list<float32>", meaning="their numeric values, null where there is none"),
)
"""What a training keeps of each record."""


@dataclass(frozen=True)
class HeldHistories:
    """`histories` of many records, of which some are shown at a time, and whose they are."""

    histories: Histories
    subject: Integers
    """(records,) a number a subject"""

    @classmethod
    def of_rows(cls, rows: pa.Table) -> HeldHistories:
        """From the columns of `SHOWN` and `subject_id`; numbers stay where Arrow has them."""
        codes, times, values = (_lists(rows[field.name]) for field in SHOWN[1:])
        names = codes.flatten().dictionary_encode()
        time = times.flatten().cast(pa.int64()).fill_null(STATIC)
        offsets = codes.offsets.to_numpy().astype(np.int64)
        return cls(
            Histories(
                offsets - offsets[0],
                rows["predicted_at"].cast(pa.int64()).to_numpy(),
                names.dictionary.to_pylist(),
                names.indices.to_numpy(),
                time.to_numpy(),
                values.flatten().to_numpy(zero_copy_only=False),
            ),
            rows["subject_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64),
        )

    def __len__(self) -> int:
        """Number of records."""
        return len(self.histories)

    def take(self, records: Integers) -> Histories:
        """These, in this order."""
        held = self.histories
        first, lengths = held.offsets[records], held.offsets[records + 1] - held.offsets[records]
        events = spread(first, lengths)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        at = held.prediction_time[records]
        return Histories(offsets, at, held.code_names, held.code[events], held.time[events], held.value[events])


class History(NamedTuple):
    """One record of those that are held: an example."""

    held: HeldHistories
    record: int


class HistoryExamples(Sequence[History]):
    """All records that are held, each made when it is asked for."""

    def __init__(self, held: HeldHistories) -> None:
        self.held = held

    def __len__(self) -> int:
        """Number of records."""
        return len(self.held)

    def __getitem__(self, place: int | slice) -> History | list[History]:  # type: ignore[override]  # one or the other, as it is asked
        """One, or a stretch of them."""
        if isinstance(place, slice):
            return [History(self.held, record) for record in range(*place.indices(len(self)))]
        return History(self.held, range(len(self))[place])


def together(examples: Sequence[History]) -> tuple[HeldHistories, NDArray[np.int64]]:
    """What holds all of them, and their places there."""
    held = examples[0].held
    assert all(example.held is held for example in examples), "examples of two tables are shown in one step"
    return held, np.array([example.record for example in examples], np.int64)


def _lists(column: pa.ChunkedArray) -> pa.ListArray:
    found = column.combine_chunks()
    return found.chunk(0) if isinstance(found, pa.ChunkedArray) else found
