"""Keeps the histories that the reader of `predict` gives as rows, in the place where a model would encode and score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.outputs import OutputField
from schemas.status import Fault, Status
from workers.ehr.events.contract import STATIC, Histories
from workers.ehr.events.formats.encoder import NOTHING_RECENT
from workers.ehr.events.formats.times import Timeline
from workers.ehr.events.training.histories import SHOWN


@dataclass(frozen=True)
class KeptHistories:
    """Implements `workers.ehr.events.contract.EncodedHistories`."""

    histories: Histories
    refused: Mapping[int, Fault]

    def __len__(self) -> int:
        """Number of records."""
        return len(self.histories)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        held = self.histories
        return int(held.offsets.nbytes + held.code.nbytes + held.time.nbytes + held.value.nbytes)


class HistoryKeeper:
    """Implements `workers.ehr.events.contract.EventEncoder`. Who has no event in the window of the model that is to be
    (`workers.ehr.events.formats.encoder.Encoding`) is refused as that model would refuse him."""

    def __init__(self, window_days: float | None) -> None:
        self._days = window_days

    def encode(self, histories: Histories) -> KeptHistories:
        """As they are."""
        if self._days is None:
            return KeptHistories(histories, {})
        events = Timeline(np.diff(histories.offsets), histories.time, histories.prediction_time)
        empty = np.flatnonzero(events.count(events.recent(self._days)) == 0)
        return KeptHistories(histories, {int(record): Fault(Status.NO_EVENTS, NOTHING_RECENT) for record in empty})


class HistoryRows:
    """Implements `workers.contract.Scorer`: a row a history."""

    outputs: tuple[OutputField, ...] = SHOWN

    def score(self, values: Sequence[KeptHistories]) -> Mapping[str, Any]:
        """The columns of `SHOWN`."""
        parts = [pa.table(columns_of(kept.histories), names=[field.name for field in SHOWN]) for kept in values]
        whole = pa.concat_tables(parts)
        return {name: whole[name].to_pylist() for name in whole.column_names}


def columns_of(histories: Histories) -> Iterable[pa.Array]:
    """One array a field of `SHOWN`."""
    offsets = pa.array(histories.offsets, pa.int32())
    codes = pa.DictionaryArray.from_arrays(histories.code, pa.array(list(histories.code_names), pa.string()))
    time = pa.array(histories.time, pa.int64(), mask=histories.time == STATIC).cast(pa.timestamp("us"))
    value = pa.array(histories.value, pa.float32(), mask=np.isnan(histories.value))
    lists = [pa.ListArray.from_arrays(offsets, part) for part in (codes.cast(pa.string()), time, value)]
    return [pa.array(histories.prediction_time).cast(pa.timestamp("us")), *lists]
