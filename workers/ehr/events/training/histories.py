"""Histories as a training keeps them: those that `predict` would encode, before any vocabulary is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.ehr.events.contract import STATIC, Histories
from workers.ehr.events.formats.times import Integers, spread

SHOWN = (
    OutputField(name="predicted_at", type="timestamp", meaning="the prediction time"),
    *(
        # None of them is a number of its own, which would be looked through for NaN.
        OutputField(name=name, type=f"list<{kind}>", meaning=meaning, may_be_nan=True)
        for name, kind, meaning in (
            ("codes", "string", "codes of all events up to then, the oldest first"),
            ("times", "timestamp", "their times, null for static ones"),
            ("values", "float32", "their numeric values, null where there is none"),
        )
    ),
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
        """From the columns of `SHOWN` and `subject_id`; takes 16 bytes an event."""
        lengths = pc.list_value_length(rows["codes"]).to_numpy().astype(np.int64)
        codes, times, values = (pc.list_flatten(rows[field.name]) for field in SHOWN[1:])
        names, code = _numbered(codes)
        histories = Histories(
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            rows["predicted_at"].cast(pa.int64()).to_numpy(),
            names,
            code,
            pc.fill_null(times.cast(pa.int64()), STATIC).to_numpy(),
            values.to_numpy(),
        )
        return cls(histories, _numbered(rows["subject_id"])[1].astype(np.int64))

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


def _numbered(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int32]]:
    """Every text once, and the number of each row's."""
    encoded = column.dictionary_encode().unify_dictionaries()
    return encoded.chunk(0).dictionary.to_pylist(), np.concatenate([part.indices.to_numpy() for part in encoded.chunks])
