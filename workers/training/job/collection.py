"""A training as a job sees it: the stages of reading as in predict, then `prepare`, `fit` and `package`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import StorageSettings, fetch_directory
from schemas.errors import SpecError
from schemas.outputs import OutputField
from schemas.plan import plan_batch, plan_schema, spread
from schemas.rows import stage_columns
from schemas.run import Signpost
from workers.collection import Collection, StagePlan, TrialPart, TrialStages
from workers.contract import ModelCard
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.stage import FinishedStage
from workers.labels.table import read_labels
from workers.training.job.columns import FIT, FIT_COLUMNS, LABELLED, MODEL, PACKAGE, PACKAGE_COLUMNS, PREPARE
from workers.training.job.heads import head_of
from workers.training.job.labelled import check_columns, check_enough, labelled
from workers.training.job.settings import TrainKeys


class Training:
    """Implements `workers.collection.Collection` around that of the same input in predict.

    `shown` are the columns that stage `prepare` writes.
    """

    def __init__(
        self, source: TrainKeys, storage: StorageSettings, inner: Collection, shown: Sequence[OutputField]
    ) -> None:
        self.source: Any = source
        self._storage, self._inner = storage, inner
        self._columns = stage_columns(PREPARE, *((field.name, field.type, field.meaning) for field in shown))
        self._steps: tuple[Any, ...] = ()
        head_of(source)

    @property
    def stages(self) -> Sequence[str]:
        """Those of reading before the last, then those of a training."""
        return (*self._inner.stages[:-1], PREPARE, FIT, PACKAGE)

    def take_steps(self, given: tuple[Any, ...] | None) -> None:
        """The prepare list of the spec. Raises SpecError."""
        self._steps = self._inner.prepare(ModelCard(format="", outputs=()), given)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """A training has no models."""
        raise SpecError("a train job has no models; `input.start` is where weights to begin from lie")

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The records as in predict; then the seeds; then one model."""
        if stage in self._inner.stages:
            return self._inner.plan(stage, finished, models)
        if stage == PREPARE:
            return self._plan_prepare(finished)
        return self._plan_fit(finished) if stage == FIT else self._plan_package(finished)

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Facts about the planned records, as in predict."""
        return self._inner.look(tables)

    def needs_all(self, stage: str) -> bool:
        """A few records may have one answer only, and no network could be told from another by them."""
        return stage in (FIT, PACKAGE)

    def trial_part(self, stage: str, plan: PlanReader, records: int) -> TrialPart | None:
        """Some records are read and prepared."""
        if isinstance(self._inner, TrialStages):
            return self._inner.trial_part(self._inner.stages[-1] if stage == PREPARE else stage, plan, records)
        return TrialPart(spread(plan.info.records, records), of_all=stage == self.stages[0])

    def _plan_prepare(self, finished: Sequence[FinishedStage]) -> StagePlan:
        plan = self._inner.plan(self._inner.stages[-1], finished, {})
        labels, digest = self._labels()
        check_columns(self.source, labels, [*plan.carry, *plan.header_carry])
        state = {**plan.state, "prepare": list(self._steps), "labels": digest, "start": self._start()}
        return replace(plan, stage=PREPARE, columns=self._columns, state=state)

    def _plan_fit(self, finished: Sequence[FinishedStage]) -> StagePlan:
        prepared, (labels, digest) = finished[-1], self._labels()
        state = self._same_state(prepared, digest)
        found = labelled(prepared, self.source, labels)
        metric = self.source.fit.metric
        asked = "auroc" if metric == "auto" and self.source.output_task == "binary" else metric
        check_enough(found, self.source, asked)
        return StagePlan(
            FIT,
            plan_schema(),
            lambda: self._records([f"seed-{seed}" for seed in self.source.seeds], list(self.source.seeds)),
            columns=FIT_COLUMNS,
            kind="long",
            shard_records=1,
            state={**state, "after": prepared.run.fingerprint},
        )

    def _plan_package(self, finished: Sequence[FinishedStage]) -> StagePlan:
        state = {name: finished[-1].run.parts["state"][name] for name in ("prepare", "labels", "start")}
        return StagePlan(
            PACKAGE,
            plan_schema(),
            lambda: self._records(["model"], [None]),
            columns=PACKAGE_COLUMNS,
            kind="shards",
            shard_records=1,
            state={**state, "after": finished[-1].run.fingerprint},
            signposts=(
                Signpost(
                    title="model",
                    meaning="the model directory, for predict jobs",
                    files=f"{MODEL}*",
                ),
                Signpost(title="labelled records", meaning="records with split and truth", files=LABELLED),
            ),
        )

    def _same_state(self, prepared: FinishedStage, digest: str | None) -> dict[str, Any]:
        """What the training was planned with. Raises SpecError for labels that were changed since."""
        state = {name: prepared.run.parts["state"][name] for name in ("prepare", "labels", "start")}
        if state["labels"] != digest:
            raise SpecError(
                "input.labels: the table was changed since the training was planned: restore it, or choose another "
                "output.uri"
            )
        return state

    def _labels(self) -> tuple[pl.DataFrame | None, str | None]:
        if self.source.labels is None:
            return None, None
        return read_labels(self.source.labels, self._storage)

    def _start(self) -> str | None:
        return None if self.source.start is None else fetch_directory(self.source.start, self._storage).digest

    def _records(self, names: Sequence[str], members: Sequence[int | None]) -> Iterator[pa.RecordBatch]:
        uri = getattr(self.source, "uri", "")
        yield plan_batch(plan_schema(), {"record_id": list(names), "member": list(members)}, uri=uri)
