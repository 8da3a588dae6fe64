"""A training as a job sees it: the stages of reading as in predict, then `prepare`, `fit` and `package`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.outputs import OutputField
from schemas.plan import plan_batch, plan_schema, spread
from schemas.rows import stage_columns
from schemas.run import Signpost
from workers import registry
from workers.collection import Collection, StagePlan, TrialPart, TrialStages
from workers.contract import ModelCard
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.stage import FinishedStage
from workers.labels.table import read_labels
from workers.labels.unmatched import some_labelled
from workers.training.job.columns import (
    FIT,
    LABELLED,
    MODEL,
    PACKAGE,
    PREPARE,
    fit_columns,
    package_columns,
)
from workers.training.job.fits import check_number, fits_of
from workers.training.job.heads import head_of
from workers.training.job.labelled import check_columns, check_enough, labelled
from workers.training.job.search import at_each_point, check_search
from workers.training.job.settings import TrainKeys
from workers.training.job.start import planned_start


class Training:
    """Implements `workers.collection.Collection` around that of the same input in predict.

    `shown` are the columns that stage `prepare` writes. `check` raises SpecError for settings of the collection's own
    that cannot be; each point of a search is held against it.
    """

    def __init__(
        self,
        source: TrainKeys,
        storage: StorageSettings,
        inner: Collection,
        shown: Sequence[OutputField],
        check: Callable[[Any], Any] = lambda source: None,
    ) -> None:
        self.source: Any = source
        self._storage, self._inner = storage, inner
        self._columns = stage_columns(PREPARE, *((field.name, field.type, field.meaning) for field in shown))
        self._steps: tuple[Any, ...] = ()
        head_of(source)
        check_number(source)
        check_search(source)
        at_each_point(source, check)
        self._fits = fits_of(source)

    @property
    def stages(self) -> Sequence[str]:
        """Those of reading before the last, then those of a training."""
        return (*self._inner.stages[:-1], PREPARE, FIT, PACKAGE)

    def take_steps(self, given: tuple[Any, ...] | None) -> None:
        """The prepare list of the spec. Raises SpecError."""
        self._steps = self._inner.prepare(ModelCard(format="", outputs=()), given)

    def steps_for(self, plan: StagePlan) -> tuple[Any, ...]:
        """How the records of this plan are prepared: as the spec says."""
        return self._steps

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """A training has no models."""
        raise SpecError("a train job has no models; `input.start` is where weights to begin from lie")

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The records as in predict; then the seeds; then one model."""
        if not finished:
            self._check_network()
            self._check_fit()
        if stage in self._inner.stages:
            return replace(self._inner.plan(stage, finished, models), ignores=self._later)
        if stage == PREPARE:
            return replace(self._plan_prepare(finished), ignores=self._later)
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

    @property
    def _later(self) -> tuple[str, ...]:
        """Settings that no stage before `fit` reads; of labels and `start` it knows the digests. Classes of spans are
        put to a text's tokens when it is prepared."""
        searched = {path for path in self.source.searchable if path in type(self.source).model_fields}
        read = {"outputs"} if self.source.has_spans else set()
        return tuple(sorted({*TrainKeys.model_fields, *searched} - read))

    def _check_network(self) -> None:
        """Before the records are prepared, which may take hours."""
        # Networks import torch, which a driver needs for nothing else.
        from workers.training.network import check_settings  # noqa: PLC0415

        def check(source: TrainKeys) -> None:
            networks, network = registry.networks(source.networks_of), source.network
            networks.require(network.name, "input.network.name")
            check_settings(networks, network.name, network.settings)

        at_each_point(self.source, check)

    def _check_fit(self) -> None:
        # As above.
        from workers.training.job.measure import check_one_measure  # noqa: PLC0415
        from workers.training.losses import kind_of  # noqa: PLC0415
        from workers.training.metric import metric_of  # noqa: PLC0415

        def check(source: TrainKeys) -> None:
            kind_of(source.output_task, source.fit.loss)
            metric_of(source.output_task, source.fit.metric)

        at_each_point(self.source, check)
        check_one_measure(self.source)

    def _plan_prepare(self, finished: Sequence[FinishedStage]) -> StagePlan:
        plan = self._inner.plan(self._inner.stages[-1], finished, {})
        labels, digest = self._labels()
        check_columns(self.source, labels, [*plan.carry, *plan.header_carry])
        start = planned_start(self.source, self._storage)
        steps = list(self.steps_for(plan))
        state = {**plan.state, "prepare": steps, "labels": digest, "start": start}
        plan = replace(plan, stage=PREPARE, columns=self._columns, state=state)
        asked = self.source.labels
        if labels is None or asked.on not in plan.schema.names:
            return plan
        return replace(plan, batches=partial(some_labelled, plan.batches, asked, labels[asked.key]))

    def _plan_fit(self, finished: Sequence[FinishedStage]) -> StagePlan:
        prepared, (labels, digest) = finished[-1], self._labels()
        state = self._same_state(prepared, digest)
        found = labelled(prepared, self.source, labels)
        at_each_point(self.source, lambda one: check_enough(found, one, _chooses(one)))
        return StagePlan(
            FIT,
            plan_schema(),
            lambda: self._records([fit.name for fit in self._fits], [fit.seed for fit in self._fits]),
            columns=fit_columns(self.source),
            kind="long",
            processes=self.source.processes,
            shard_records=1,
            state={**state, "after": prepared.run.fingerprint},
        )

    def _plan_package(self, finished: Sequence[FinishedStage]) -> StagePlan:
        state = {name: finished[-1].run.parts["state"][name] for name in ("prepare", "labels", "start")}
        return StagePlan(
            PACKAGE,
            plan_schema(),
            lambda: self._records(["model"], [None]),
            columns=package_columns(self.source),
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

    def _records(self, names: Sequence[str], members: Sequence[int | None]) -> Iterator[pa.RecordBatch]:
        uri = getattr(self.source, "uri", "")
        yield plan_batch(plan_schema(), {"record_id": list(names), "member": list(members)}, uri=uri)


def _chooses(source: TrainKeys) -> str:
    """The metric by which epochs are chosen, as far as it matters whether both answers are there."""
    metric = source.fit.metric
    return "auroc" if metric == "auto" and source.output_task == "binary" else metric
