"""A complete run, opened for whoever reads its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from cluster.storage import StorageSettings, Store, open_store
from schemas.rows import OutputColumn
from schemas.run import Manifest, RunFile
from workers.finished_runs.documents import existing_manifest, existing_run
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.shards import open_shard, with_status
from workers.finished_runs.stage import FinishedStage


@dataclass(frozen=True)
class FinishedRun:
    """A run with a manifest. Rows are read when they are asked for, and only the columns that are."""

    store: Store
    run: RunFile
    manifest: Manifest

    @property
    def stage(self) -> FinishedStage:
        """The last stage, whose rows are the run's."""
        return FinishedStage(self.store, "", self.run)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order of the spec."""
        return tuple(self.run.models)

    def schema(self) -> pa.Schema:
        """Columns of the rows: identity, status and detail, carried columns, then those of the models.

        Raises VerificationError where the first shard is damaged.
        """
        return open_shard(self.store, self.stage.key(0), self.run.fingerprint).schema_arrow

    def outputs(self, model: str) -> dict[str, OutputColumn]:
        """Columns of one model, by the name that the model gives each. Raises UsageError for one that is not there."""
        self.status_column(model)
        return {column.output: column for column in self.run.columns if column.model == model and column.output}

    def status_column(self, model: str | None = None) -> str:
        """The column that says what became of a record; in one model, if it is named. Raises UsageError."""
        return self.run.status_column(model)

    def shards(self) -> range:
        """Numbers of the shards, in plan order."""
        return range(self.run.plan.shards)

    def plan(self) -> PlanReader:
        """The planned records: where each lay, and what the plan carries of it."""
        return self.stage.plan()

    def tables(
        self, columns: Sequence[str] | None = None, *, statuses: Sequence[str] = (), model: str | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Each shard's number and its rows in plan order, one shard in memory at a time.

        `columns`: all, if none are named. `statuses`: only rows with one of these, by the status of `model` where it is
        named. Raises UsageError for a model that is not there, VerificationError where a shard is damaged.
        """
        by = self.status_column(model)
        read = columns if columns is None or not statuses or by in columns else [*columns, by]
        for shard in self.shards():
            rows = self.stage.rows(shard, read)
            if statuses:
                rows = with_status(rows, by, statuses)
            yield shard, rows if columns is None else rows.select(list(columns))


def open_run(uri: str, storage: StorageSettings | None = None) -> FinishedRun:
    """The run directory at `uri`. Raises UsageError where no run lies, IncompleteError for one without a manifest."""
    return finished_run(open_store(uri, storage))


def finished_run(store: Store) -> FinishedRun:
    """The run in this store. Raises UsageError where no run lies, IncompleteError for one without a manifest."""
    return FinishedRun(store, existing_run(store), existing_manifest(store))
