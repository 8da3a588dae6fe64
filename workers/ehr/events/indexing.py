"""Stage `subjects`: find which rows of the data files belong to whom, and refuse what MEDS does not allow."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cluster.storage import Store
from schemas.errors import RecordError, SpecError
from schemas.rows import stage_columns
from schemas.status import Status
from workers.ehr.events.contract import STATIC
from workers.ehr.events.rowsource import RowSource, Run
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage, ShardTable
from workers.pipeline.rowtable import build_rows

SUBJECTS = "subjects"
REMEDY = "fix the dataset, or set input.repair: sort"
_STEP_ROWS = 500_000

COLUMNS = stage_columns(
    "",
    ("subjects", "list<int64>", "subjects of the range in the order of their rows"),
    ("first_rows", "list<int64>", "the row of the file where each begins"),
    ("subject_rows", "list<int64>", "how many rows each has"),
    ("first_time", "timestamp", "time of the range's first row, null if it has none"),
    ("last_time", "timestamp", "time of the range's last row, null if it has none"),
)


class IndexStage(ShardStage):
    """Where the subjects of ranges of the data lie. `repair`: rows that are not together or not sorted are allowed."""

    def __init__(self, context: StageContext, store: Store, repair: bool) -> None:
        self._layout = context.layout
        self._store = store
        self._repair = repair

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Index these ranges. Raises SpecError naming file and row group where MEDS is violated."""
        source = RowSource(self._store, ["subject_id", "time"])
        values: dict[str, list[Any]] = {column.name: [] for column in COLUMNS}
        statuses: list[Status] = []
        details: list[str | None] = []
        for record in records.to_pylist():
            found: Mapping[str, Any] = {}
            status, detail = Status.OK, None
            try:
                found = self._index(source, record)
            except RecordError as error:
                status, detail = error.status, error.detail
            for name, column in values.items():
                column.append(found.get(name))
            statuses.append(status)
            details.append(detail)
        return ShardTable(build_rows(records, self._layout, values, statuses, details))

    def _index(self, source: RowSource, record: Mapping[str, Any]) -> Mapping[str, Any]:
        if record["member"] is None:
            # It was planned as a record, so that the run goes on without it.
            raise RecordError(Status.UNREADABLE, "the footer of the data file cannot be read")
        subject, times = self._read(source, record)
        borders = np.flatnonzero(subject[1:] != subject[:-1]) + 1
        if not self._repair:
            backwards = np.flatnonzero((times[1:] < times[:-1]) & (subject[1:] == subject[:-1]))
            if backwards.size:
                raise self._violation(record, int(backwards[0]) + 1, "the events of a subject are not sorted by time")
        starts = np.concatenate([np.zeros(min(1, len(subject)), np.int64), borders])
        owners = subject[starts]
        if not self._repair and len(np.unique(owners)) < len(owners):
            raise self._violation(record, _first_repeat(owners, starts), "the rows of a subject are not together")
        ends = np.append(starts[1:], len(subject))
        return {
            "subjects": pa.array(owners),
            "first_rows": pa.array(starts + record["first_row"]),
            "subject_rows": pa.array(ends - starts),
            "first_time": _edge(times[:1]),
            "last_time": _edge(times[-1:]),
        }

    def _read(self, source: RowSource, record: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        subjects, times = [], []
        first, end = record["first_row"], record["first_row"] + record["rows"]
        for start in range(first, end, _STEP_ROWS):
            part = source.read(Run(record["uri"], record["etag"], start, min(_STEP_ROWS, end - start)))
            if part["subject_id"].null_count:
                row = start - first + pc.index(part["subject_id"].is_null(), True).as_py()
                raise self._violation(record, row, "a row has no subject_id")
            subjects.append(part["subject_id"].to_numpy())
            times.append(microseconds(part["time"]))
        empty = np.zeros(0, np.int64)
        return np.concatenate([empty, *subjects]), np.concatenate([empty, *times])

    def _violation(self, record: Mapping[str, Any], row: int, what: str) -> SpecError:
        group = record["member"] + int(np.searchsorted(np.cumsum(record["group_rows"]), row, side="right"))
        key = record["record_id"].rpartition("#")[0]
        remedy = "fix the dataset" if self._repair else REMEDY
        return SpecError(f"{key}, row group {group}: {what}; {remedy}")


def microseconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Microseconds since 1970, STATIC where a row has no time."""
    found: NDArray[np.int64] = pc.fill_null(times.cast(pa.int64()), STATIC).to_numpy()
    return found


def _edge(time: NDArray[np.int64]) -> int | None:
    """The time of no or one row, as a number: a calendar of Python ends at the year 9999."""
    return int(time[0]) if len(time) and time[0] != STATIC else None


def _first_repeat(owners: NDArray[np.int64], starts: NDArray[np.int64]) -> int:
    _, first = np.unique(owners, return_index=True)
    again = np.ones(len(owners), bool)
    again[first] = False
    return int(starts[np.flatnonzero(again)[0]])
