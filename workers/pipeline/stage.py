"""One stage of records in one worker: records in, committed rows out."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from schemas.work import ShardReport, ShardTask
from workers.pipeline.context import StageContext
from workers.pipeline.isolation import score_isolated
from workers.pipeline.kinds import RecordStage, ShardTable
from workers.pipeline.models import keep_tuning
from workers.pipeline.objects import ObjectWriter, RecordObjects
from workers.pipeline.publish import publish
from workers.pipeline.rowtable import ShardRows, assemble
from workers.pipeline.scoring import ArrayScoring, ShardScoring


class StageJob:
    """One stage in one worker: records in, committed shards out."""

    def __init__(self, context: StageContext, stage: RecordStage, job: Mapping[str, Any]) -> None:
        self.context = context
        self.job = job
        self.shard_records = context.run.plan.shard_records
        self.reader = stage.reader
        self.scorer: ShardScoring = ArrayScoring({}, {})
        self._load = stage.load
        self._writer = ObjectWriter(context)

    def load_models(self) -> None:
        """Load the models; until then reading already goes on."""
        self.scorer = self._load()

    def keep_tuning(self) -> None:
        """Put what was measured into the run directory, for later workers of this device kind."""
        keep_tuning(self.context, self.scorer.tuning())

    def records(self, task: ShardTask) -> pa.Table:
        """The planned records of a task."""
        return self.context.plan.rows(task.sample) if task.sample else self.context.plan.shard(task.shard)

    def new_rows(self, records: pa.Table) -> ShardRows:
        """Empty results for these records."""
        count = records.num_rows
        names = [field.name for field in self.context.layout.header_carry]
        if self.context.layout.subject_from:
            names.append(self.context.layout.subject_from)
        return ShardRows(records, {}, [None] * count, [None] * count, {name: [None] * count for name in names})

    def start(self, task: ShardTask, rows: ShardRows) -> Callable[[], ShardTable]:
        """Begin a shard. Once all of it is scored, what is returned gives its rows, after their side objects lie there.

        Nothing is written for a sample.
        """
        self.scorer.start(rows)
        objects = RecordObjects(self.context, task.shard, rows, None if task.sample else self._writer)
        return partial(self._finish, rows, objects)

    def score_now(self, task: ShardTask, records: pa.Table) -> ShardTable:
        """Read and score these records of a task in this thread; commits no row."""
        rows = self.new_rows(records)
        finish = self.start(task, rows)
        for part in self.reader.read(records):
            self.scorer.score(rows, part)
            taken = sum(record.nbytes for record in part)
            self.context.budget.hand_over(taken, self.scorer.held_bytes)
        self.scorer.finish(rows)
        self.context.budget.hand_over(0, self.scorer.held_bytes)
        return finish()

    def isolate(self, task: ShardTask, records: pa.Table) -> ShardTable:
        """The rows of a shard that killed a worker: in child processes, in halves."""
        return score_isolated(self.context, self.job, task, records)

    def commit(self, task: ShardTask, finished: ShardTable, record_ids: pa.ChunkedArray) -> ShardReport:
        """Publish a shard."""
        return publish(self.context, task, finished.table, record_ids, vouched=finished.vouched)

    def _finish(self, rows: ShardRows, objects: RecordObjects) -> ShardTable:
        table = assemble(rows, self.context.layout)
        return ShardTable(table, vouched=objects.refs(table))

    def info(self, alive: float) -> dict[str, Any]:
        """Figures for progress and report. What the cores were busy with; on a GPU, how long it was waited for.

        A forward pass on a GPU returns when its answer is on the host, so its wall time bounds the device's from above.
        """
        cores = max(1.0, self.context.cpus)
        on_device = self.scorer.device != "cpu"
        # The calling thread computes together with its helpers: a second of it is one of every core.
        used = self.scorer.seconds if on_device else self.reader.prepare_seconds + self.scorer.core_seconds * cores
        return {
            "seconds_prepare": self.reader.prepare_seconds,
            "seconds_forward": self.scorer.seconds,
            "core_seconds_used": used,
            "core_seconds_given": alive if on_device else alive * cores,
            "peak_bytes_in_flight": self.context.budget.peak,
            "counts": dict(self.scorer.counts()),
        }

    def close(self) -> None:
        """Stop what reads, what is left of scoring, and what writes side objects."""
        self.reader.close()
        self.scorer.close()
        self._writer.close()
