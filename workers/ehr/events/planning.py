"""The records of stage `predict`: who at which time, in the order in which their rows lie in the data files."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.errors import SpecError
from schemas.plan import plan_schema
from workers.ehr.events.index import SubjectIndex
from workers.ehr.events.meds import TIME

PREDICTION_TIME = pa.field("prediction_time", TIME)
ROWS = pa.field("rows", pa.int64())
"""How many rows the subject has from row `member` of its file on. Null: it may have more, where nothing can be read.
Without `member` 0: the subject is not in the data; null: that is not known."""
MORE_RUNS = pa.field(
    "more_runs",
    pa.list_(pa.struct([("uri", pa.string()), ("etag", pa.string()), ("first", pa.int64()), ("rows", pa.int64())])),
)
"""Where the rest of a subject's rows lie, with `repair: sort`."""
_BATCH = 65_536


def predict_schema(carry: Sequence[pa.Field], repair: bool) -> pa.Schema:
    """Schema of the plan."""
    return plan_schema([PREDICTION_TIME, *carry, ROWS, *([MORE_RUNS] if repair else [])])


def predict_batches(
    index: SubjectIndex, wanted: pa.Table, schema: pa.Schema, root_uri: str
) -> Iterator[pa.RecordBatch]:
    """Every wanted (subject_id, prediction_time, carried columns): by place in the data, then by time.

    Who is not in the data comes last. Raises SpecError where the same subject and time is asked for twice.
    """
    subject = wanted["subject_id"].to_numpy()
    times = wanted["prediction_time"].cast(pa.int64()).to_numpy()
    start, end = index.spans(subject)
    found = end > start
    # In the order of the data, so that workers read each file forwards.
    place = np.where(found, index.order[np.where(found, start, 0)] if len(index.order) else 0, len(index.order))
    order = np.lexsort((times, subject, place))
    _refuse_repeats(subject, times, order)
    for at in range(0, len(order), _BATCH):
        rows = order[at : at + _BATCH]
        yield _batch(index, wanted.take(pa.array(rows)), start[rows], end[rows], schema, root_uri)


def _batch(
    index: SubjectIndex,
    wanted: pa.Table,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    schema: pa.Schema,
    root_uri: str,
) -> pa.RecordBatch:
    found = end > start
    nowhere = pa.array(~found)
    subjects = wanted["subject_id"].combine_chunks().cast(pa.string())
    uri, etag, first, rows = _first_runs(index, index.order[start[found]])
    spread = pa.array(np.cumsum(found) - 1, mask=~found)

    def of_run(values: pa.Array, without: object) -> pa.Array:
        return pc.if_else(nowhere, pa.scalar(without, values.type), values.take(spread))

    columns = {
        "record_id": pc.binary_join_element_wise(subjects, iso_time(wanted["prediction_time"].combine_chunks()), "@"),
        "subject_id": subjects,
        "uri": of_run(uri, root_uri),
        "member": of_run(first, None),
        "size": pa.nulls(len(start), pa.int64()),
        "etag": of_run(etag, None),
        "rows": of_run(rows, None if index.lost else 0),
    }
    if "more_runs" in schema.names:
        columns["more_runs"] = _more_runs(index, start, end)
    arrays = [columns[field.name] if field.name in columns else wanted[field.name].combine_chunks() for field in schema]
    return pa.record_batch(arrays, schema=schema)


def _first_runs(index: SubjectIndex, runs: NDArray[np.intp]) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """uri, etag, first row and number of rows of these runs."""
    file = pa.array(index.file[runs])
    uris = pa.array([uri for uri, _ in index.files], pa.string())
    etags = pa.array([etag for _, etag in index.files], pa.string())
    return (
        uris.take(file),
        etags.take(file),
        pa.array(index.first[runs]),
        pa.array(index.rows[runs], mask=~index.is_whole[runs]),
    )


def _more_runs(index: SubjectIndex, start: NDArray[np.int64], end: NDArray[np.int64]) -> pa.Array:
    """Null for most."""
    lists: list[list[dict[str, object]] | None] = [None] * len(start)
    for row in np.flatnonzero(end > start + 1):
        runs = index.order[start[row] + 1 : end[row]]
        lists[row] = [index.run(int(run)) for run in runs]
    return pa.array(lists, MORE_RUNS.type)


def iso_time(times: pa.Array) -> pa.Array:
    """`2024-01-01T00:00:00.000000`."""
    return pc.replace_substring(times.cast(pa.string()), " ", "T", max_replacements=1)


def _refuse_repeats(subject: NDArray[np.int64], times: NDArray[np.int64], order: NDArray[np.intp]) -> None:
    subject, times = subject[order], times[order]
    again = np.flatnonzero((subject[1:] == subject[:-1]) & (times[1:] == times[:-1])) + 1
    if again.size:
        rows = np.sort(np.maximum(order[again], order[again - 1])) + 1
        named = ", ".join(str(row) for row in rows[:5])
        raise SpecError(
            f"{again.size} {'row of the task repeats' if again.size == 1 else 'rows of the task repeat'} an earlier "
            f"subject_id and prediction_time (row {named}): "
            "one record can have one row only, remove them"
        )
