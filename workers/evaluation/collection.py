"""An evaluation as a job sees it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.plan import plan_batch, plan_schema
from schemas.run import MANIFEST_KEY, Signpost
from schemas.spec import Compute
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.evaluation import figures_stage, join_stage
from workers.evaluation.cases import cases
from workers.evaluation.columns import FIGURES, JOIN, TEST
from workers.evaluation.documents import METRICS_JSON, METRICS_PARQUET
from workers.evaluation.join_stage import EVALUATED
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.source import Source, open_source
from workers.finished_runs.stage import FinishedStage
from workers.labels.table import columns_of, read_labels

_CASE_FIELDS = tuple(pa.field(name, pa.string(), nullable=False) for name in ("outcome", "group", "value"))

_SIGNPOSTS = (
    Signpost(title="figures", meaning="all figures with intervals and curves", files=METRICS_JSON),
    Signpost(title="figures, long form", meaning="the same, a row a figure", files=METRICS_PARQUET),
)
_CALIBRATION = Signpost(
    title="calibration", meaning="what a model directory takes as calibration.json", files="calibration*.json"
)


class Evaluation:
    """Implements `workers.collection.Collection`."""

    stages = (JOIN, FIGURES)

    def __init__(self, source: EvaluateInput, storage: StorageSettings) -> None:
        self.source = source
        self._storage = storage

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """An evaluation has no models."""
        raise SpecError("an evaluate job has no models")

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """Shards of the run that is evaluated; then the cases that were found in them."""
        return self._plan_join() if stage == JOIN else self._plan_figures(finished[0])

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Shards of the run."""
        return {"shards of the run": sum(table.num_rows for table in tables)}

    def _plan_join(self) -> StagePlan:
        labelled: frozenset[str] = frozenset()
        state: dict[str, Any] = {}
        if self.source.labels is not None:
            labels, state["labels"] = read_labels(self.source.labels, self._storage)
            labelled = frozenset(columns_of(labels))
            state["label_rows"] = labels.height
        source = open_source(self.source, self._storage, labelled)
        source.check()
        # The manifest names every file with its digest: what it says of the run cannot change under this plan.
        state |= {"run": source.run.run.fingerprint, "manifest": source.run.store.sha256(MANIFEST_KEY)}
        if source.other is not None:
            state["compared"] = source.other.store.sha256(MANIFEST_KEY)
        state["labelled"] = sorted(labelled)
        if self.source.calibrated:
            state["calibrated"] = source.calibrated()
        return StagePlan(
            JOIN,
            plan_schema(),
            lambda: _shards(source),
            columns=join_stage.COLUMNS,
            kind="shards",
            shard_records=1,
            state=state,
        )

    def _plan_figures(self, join: FinishedStage) -> StagePlan:
        groups = [cell for cells in join.all_rows(["groups"])["groups"].to_pylist() for cell in cells]
        _refuse_nothing(self.source, [cell for cells in join.all_rows(["flow"])["flow"].to_pylist() for cell in cells])
        _refuse_many(self.source, groups)
        found = cases(self.source, groups)
        schema = plan_schema(_CASE_FIELDS)
        signposts = (*_SIGNPOSTS, *([_CALIBRATION] if self.source.calibrated else []))
        columns = {
            "record_id": [case.record_id for case in found],
            **{name: [getattr(case, name) for case in found] for name in ("outcome", "group", "value")},
        }
        return StagePlan(
            FIGURES,
            schema,
            lambda: iter([plan_batch(schema, columns, uri=self.source.run)]),
            carry=tuple(field.name for field in _CASE_FIELDS),
            columns=figures_stage.COLUMNS,
            kind="shards",
            shard_records=len(found),
            state={"after": join.run.fingerprint},
            signposts=signposts,
        )


_MOST_VALUES = 1000
"""Values that a group may have: each has figures of its own."""


def _refuse_many(source: EvaluateInput, groups: Sequence[Mapping[str, Any]]) -> None:
    """Raises SpecError for a group of too many values, such as one by an id."""
    for name in source.groups:
        values = len({one["value"] for one in groups if one["group"] == name})
        if values > _MOST_VALUES:
            raise SpecError(
                f"input.groups.{name}: {values:,} values among the test rows, and a group may have {_MOST_VALUES:,}: "
                "say bands of a number, or name another column"
            )


def _refuse_nothing(source: EvaluateInput, flow: Sequence[Mapping[str, Any]]) -> None:
    """Raises SpecError for an outcome of which not one test row is evaluated, with what became of them."""
    for outcome in source.outcomes:
        cells = [cell for cell in flow if cell["outcome"] == outcome]
        if any(cell["part"] == TEST and cell["state"] == EVALUATED for cell in cells):
            continue
        states: dict[str, int] = {}
        for cell in cells:
            said = cell["state"] if cell["part"] == TEST else f"{cell['part']} rows"
            states[said] = states.get(said, 0) + cell["rows"]
        told = ", ".join(f"{said} {rows:,}" for said, rows in states.items()) or "the run has no rows"
        raise SpecError(
            f"input.outcomes.{outcome}: not one row to evaluate ({told}): correct labels.key, labels.on, truth, "
            "positive and negative, or input.test"
        )


def _shards(source: Source) -> Iterator[pa.RecordBatch]:
    schema = plan_schema()
    shards = list(source.run.shards())
    names = [source.run.stage.key(shard) for shard in shards]
    if shards:
        yield plan_batch(schema, {"record_id": names, "member": shards}, uri=source.settings.run)


def open_collection(source: EvaluateInput, storage: StorageSettings, compute: Compute) -> Evaluation:
    """The evaluation that the input describes."""
    return Evaluation(source, storage)
