"""Everything one worker needs for one stage of one run, opened once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pyarrow as pa

from cluster.storage import StorageSettings, Store, attempt_id, commit, open_store
from schemas.crashpoints import crashpoint
from schemas.run import RunFile, shard_key
from schemas.spec import Compute, Limits
from schemas.work import ShardReport, ShardTask
from workers.engine.budget import ByteBudget
from workers.engine.reading import Reader
from workers.engine.rowtable import RowLayout, ShardRows, assemble, encode, sha256_of, status_counts
from workers.engine.scoring import Scorer
from workers.planfile import PlanReader


class ReaderFactory(Protocol):
    """How a collection opens its reading side in a worker: `<collection>.stages` has one function a stage."""

    def __call__(self, context: StageContext) -> Reader:
        """The reader of this stage's records."""


class StageContext:
    """What is known before anything heavy is loaded."""

    def __init__(self, job: Mapping[str, Any], cpus: float, gpus: float) -> None:
        self.run_uri: str = job["run_uri"]
        self.stage_dir: str = job["stage_dir"]
        self.cpus = cpus
        self.gpus = gpus
        self.compute = Compute.model_validate(job["compute"])
        self.limits = Limits.model_validate(job["limits"])
        self.storage = StorageSettings.model_validate(job["storage"])
        self.single_committer: bool = job["single_committer"]
        self.store: Store = open_store(self.run_uri, self.storage)
        self.run = RunFile.decode(self.store.get(f"{self.stage_dir}run.json"), "run.json")
        self.plan = PlanReader(self.store, self.stage_dir + self.run.plan.key, self.run.plan)
        self.budget = ByteBudget(self.compute.prefetch_bytes)
        self.layout = RowLayout(
            plan_carry=tuple(self.plan.carry_fields),
            header_carry=tuple(header_field(name) for name in self.run.header_carry),
            columns=self.run.columns,
            subject_from=self.run.parts.get("subject_from"),
        )


def header_field(name: str) -> pa.Field:
    """A column that records give themselves: text, but for counts that end in `n_frames`."""
    return pa.field(name, pa.int64() if name == "n_frames" else pa.string())


class StageJob:
    """One stage in one worker: records in, committed shards out."""

    def __init__(
        self,
        context: StageContext,
        reader: Reader,
        load: Callable[[], Scorer],
        keep_tuning: Callable[[Scorer], None],
        job: Mapping[str, Any],
    ) -> None:
        self.context = context
        self.job = job
        self.run = context.run
        self.reader = reader
        self.scorer = Scorer({}, {})
        self._load = load
        self._keep_tuning = keep_tuning

    def load_models(self) -> None:
        """Load the models; until then reading already goes on."""
        self.scorer = self._load()

    def keep_tuning(self) -> None:
        """Put what was measured into the run directory, for later workers of this device kind."""
        self._keep_tuning(self.scorer)

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

    def score_now(self, records: pa.Table) -> pa.Table:
        """Read and score these records in this thread; commits nothing."""
        rows = self.new_rows(records)
        self.scorer.start(rows)
        for part in self.reader.read(records):
            self.scorer.score(rows, part)
            self.context.budget.add(-sum(record.nbytes for record in part))
        self.scorer.finish(rows)
        return assemble(rows, self.context.layout)

    def commit(
        self, task: ShardTask, rows: ShardRows, record_ids: pa.ChunkedArray, table: pa.Table | None
    ) -> ShardReport:
        """Check, encode and publish a shard; a sample is only counted."""
        table = assemble(rows, self.context.layout) if table is None else table
        counts = status_counts(table)
        if task.sample:
            return ShardReport(task.shard, "sampled", statuses=counts, rows=table.num_rows)
        crashpoint("commit.before_encode")
        attempt = attempt_id()
        metadata = {
            "fingerprint": self.run.fingerprint,
            "plan": self.run.plan.sha256,
            "shard": str(task.shard),
            "attempt": attempt,
            "rows": str(table.num_rows),
            "statuses": _pairs(counts),
            "models": _pairs({name: model.sha256 for name, model in self.run.models.items()}),
        }
        body = encode(table, self.context.layout, record_ids, metadata)
        result = commit(
            self.context.store,
            self.context.stage_dir + shard_key(self.run.rows_dir, task.shard),
            body,
            fingerprint=self.run.fingerprint,
            attempt=attempt,
            sha256=sha256_of(body),
            extra={key: metadata[key] for key in ("plan", "shard", "rows", "statuses")},
            single_committer=self.context.single_committer,
        )
        return ShardReport(task.shard, result.outcome, statuses=counts, rows=table.num_rows)

    def info(self, alive: float) -> dict[str, Any]:
        """Figures for progress and report. What the cores were busy with; on a GPU, how long it was waited for.

        A forward pass on a GPU returns when its answer is on the host, so its wall time bounds the device's from above.
        """
        cores = max(1.0, self.context.cpus)
        on_device = self.scorer.device != "cpu"
        used = self.scorer.seconds if on_device else self.reader.prepare_seconds + self.scorer.core_seconds * cores
        return {
            "seconds_prepare": self.reader.prepare_seconds,
            "seconds_forward": self.scorer.seconds,
            "core_seconds_used": used,
            "core_seconds_given": alive if on_device else alive * cores,
            "peak_bytes_in_flight": self.context.budget.peak,
        }

    def close(self) -> None:
        """Stop what reads."""
        self.reader.close()


def _pairs(values: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(values.items()))
