"""Stage `times`: find in the events of whole subjects when to predict."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from cluster.storage import Store
from schemas.plan import plan_schema
from schemas.rows import stage_columns
from schemas.status import Fault, Status
from schemas.wording import counted
from workers.ehr.aces.task import Task
from workers.ehr.events.fetching import COLUMNS as EVENT_COLUMNS
from workers.ehr.events.fetching import NOT_WHOLE, SubjectFetcher, Wanted
from workers.ehr.events.index import SubjectIndex
from workers.ehr.events.labels import KEYS
from workers.ehr.events.rowsource import Run
from workers.ehr.events.rules import prediction_times
from workers.ehr.events.settings import EventsInput
from workers.finished_runs.stage import FinishedStage
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardStage, ShardTable
from workers.pipeline.rowtable import build_rows

TIMES = "times"
LABEL = pa.field("boolean_value", pa.bool_())
BLOCK_ROWS = 1_000_000
"""Rows of a block of subjects, but for a subject that alone has more."""

_RUNS = pa.list_(pa.struct([("uri", pa.string()), ("etag", pa.string()), ("first", pa.int64()), ("rows", pa.int64())]))
SCHEMA = plan_schema(
    [pa.field("subjects", pa.list_(pa.int64())), pa.field("runs", pa.list_(_RUNS))],
)
"""A block of whole subjects, and where the rows of each lie."""

COLUMNS = stage_columns(
    "",
    ("subject_ids", "list<int64>", "whom to predict for"),
    ("prediction_times", "list<timestamp>", "and when, one each"),
    ("labels", "list<bool>", "what the cohort definition says came true, null where it says nothing"),
)


def block_batches(index: SubjectIndex, root_uri: str) -> Iterator[pa.RecordBatch]:
    """Blocks of subjects in the order in which they begin in the data."""
    ordered = index.subject[index.order]
    heads = np.flatnonzero(np.concatenate([np.ones(min(1, len(ordered)), bool), ordered[1:] != ordered[:-1]]))
    tails = np.append(heads[1:], len(ordered))
    in_data = np.argsort(index.order[heads], kind="stable")
    sizes = np.add.reduceat(index.rows[index.order], heads) if len(heads) else np.zeros(0, np.int64)
    block: list[int] = []
    held = number = 0
    for place in in_data.tolist():
        if block and held + sizes[place] > BLOCK_ROWS:
            yield _block(index, block, heads, tails, number, root_uri)
            block, held, number = [], 0, number + 1
        block.append(place)
        held += int(sizes[place])
    if block:
        yield _block(index, block, heads, tails, number, root_uri)


def _block(
    index: SubjectIndex, block: Sequence[int], heads: NDArray[np.intp], tails: NDArray[np.intp], number: int, uri: str
) -> pa.RecordBatch:
    runs = [[index.run(int(run)) for run in index.order[heads[place] : tails[place]]] for place in block]
    subjects = index.subject[index.order[heads[np.array(block)]]].tolist()
    row = {"record_id": f"block-{number:06d}", "uri": uri, "subjects": subjects, "runs": runs}
    return pa.RecordBatch.from_pylist([row], SCHEMA)


class TimesStage(ShardStage):
    """Whom to predict for, and when. `cohort` is None where the task is a rule."""

    def __init__(self, context: StageContext, store: Store, source: EventsInput, cohort: Task | None) -> None:
        self._layout = context.layout
        self._source = source
        self._cohort = cohort
        used = EVENT_COLUMNS if cohort is None else ("subject_id", "time", "code", *cohort.columns)
        exact = source.time_precision == "exact"
        self._fetcher = SubjectFetcher(store, source.repair == "sort", exact, tuple(dict.fromkeys(used)))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Prediction times of these blocks. A block of which subjects could not be read has the status of the first."""
        values: dict[str, list[Any]] = {column.name: [] for column in COLUMNS}
        statuses: list[Status] = []
        details: list[str | None] = []
        for record in records.to_pylist():
            found, faults = self._find(_wanted(record))
            for name, column in values.items():
                column.append(found.get(name))
            first = next(iter(faults.values()), None)
            statuses.append(first[0] if first else Status.OK)
            details.append(
                f"{counted(len(faults), 'subject')} could not be read, the first since {first[1]}" if first else None
            )
        return ShardTable(build_rows(records, self._layout, values, statuses, details))

    def _find(self, wanted: Sequence[Wanted]) -> tuple[Mapping[str, Any], Mapping[int, Fault]]:
        if self._cohort is not None:
            return self._find_cohort(self._cohort, wanted)
        rows = self._fetcher.fetch(wanted)
        of, times = prediction_times(rows, self._source.task)
        subjects = np.array([one.subject for one in wanted])[of]
        return {"subject_ids": subjects, "prediction_times": times.astype("datetime64[us]")}, rows.faults

    def _find_cohort(self, cohort: Task, wanted: Sequence[Wanted]) -> tuple[Mapping[str, Any], Mapping[int, Fault]]:
        gathered = self._fetcher.gather(wanted)
        if gathered.table is None:
            return {"subject_ids": [], "prediction_times": [], "labels": []}, gathered.faults
        events = pl.from_arrow(gathered.table)
        assert isinstance(events, pl.DataFrame)
        events = events.with_columns(pl.col("code").cast(pl.String))
        if "numeric_value" not in events.columns:
            events = events.with_columns(numeric_value=pl.lit(None, pl.Float32))
        rows = cohort.rows(events)
        return {
            "subject_ids": rows["subject_id"].to_numpy(),
            "prediction_times": rows["prediction_time"].to_numpy(),
            "labels": rows[LABEL.name].to_list() if cohort.has_labels else None,
        }, gathered.faults


def _wanted(record: Mapping[str, Any]) -> list[Wanted]:
    pairs = zip(record["subjects"], record["runs"], strict=True)
    return [
        Wanted(subject, (), NOT_WHOLE)
        if any(run["rows"] is None for run in runs)
        else Wanted(subject, [Run(**run) for run in runs])
        for subject, runs in pairs
    ]


def found_times(finished: FinishedStage, carry: Sequence[str]) -> pa.Table:
    """What the stage committed, as a label table."""
    schema = pa.schema([*KEYS, *([LABEL] if LABEL.name in carry else [])])
    parts = [schema.empty_table()]
    for shard in range(finished.run.plan.shards):
        rows = finished.rows(shard, [column.name for column in COLUMNS])
        columns = [rows["subject_ids"], rows["prediction_times"], *([rows["labels"]] if LABEL.name in carry else [])]
        parts.append(pa.table([column.combine_chunks().flatten() for column in columns], schema=schema))
    return pa.concat_tables(parts)
