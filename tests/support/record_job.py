"""A stage of records over tables in memory, scored by the real pipeline of a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from schemas.work import ShardReport, ShardTask
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.kinds import ShardTable
from workers.pipeline.reading import Reader
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ShardScoring
from workers.pipeline.worker import PipelineWorker


class TableJob:
    """A `workers.pipeline.worker.RecordJob`: shard `i` are the records `tables[i]`; `committed` has what came of it."""

    def __init__(
        self, reader: Reader, scorer: ShardScoring, tables: Sequence[pa.Table], header: Sequence[str] = ()
    ) -> None:
        self.reader, self.scorer = reader, scorer
        self.shard_records = max(table.num_rows for table in tables)
        self.committed: dict[int, dict[str, dict[str, list[Any]]]] = {}
        self._tables, self._header = tables, header

    def load_models(self) -> None:
        """They are there."""

    def keep_tuning(self) -> None:
        """Nothing was measured."""

    def records(self, task: ShardTask) -> pa.Table:
        return self._tables[task.shard]

    def new_rows(self, records: pa.Table) -> ShardRows:
        count = records.num_rows
        return ShardRows(records, {}, [None] * count, [None] * count, {name: [None] * count for name in self._header})

    def start(self, task: ShardTask, rows: ShardRows) -> Callable[[], ShardTable]:
        self.scorer.start(rows)

        def finish() -> ShardTable:
            self.committed[task.shard] = {
                name: {output: values.to_pylist() for output, values in columns.finish().items()}
                for name, columns in rows.models.items()
            }
            return ShardTable(rows.records)

        return finish

    def isolate(self, task: ShardTask, records: pa.Table) -> ShardTable:
        raise AssertionError("no worker died")

    def commit(self, task: ShardTask, finished: ShardTable, record_ids: Any) -> ShardReport:
        return ShardReport(task.shard, "committed", rows=finished.table.num_rows)

    def info(self, alive: float) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        self.reader.close()


def scored(job: TableJob, budget: ByteBudget, timeout: float = 60) -> dict[int, dict[str, dict[str, list[Any]]]]:
    """The columns of every shard by model and output, all offered at once. Fails if they are not done in time."""
    worker = PipelineWorker(job, budget)
    wanted = range(len(job._tables))
    try:
        for shard in wanted:
            worker.offer(ShardTask(shard))
        reports: list[ShardReport] = []
        end = time.monotonic() + timeout
        while len(reports) < len(wanted) and time.monotonic() < end:
            reports += worker.poll().done
            time.sleep(0.005)
    finally:
        worker.close()
    assert [report.error for report in reports] == [""] * len(wanted)
    return job.committed
