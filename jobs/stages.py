"""The stages of a job in their order, each planned from its input or from what the stages before it committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings, Store
from jobs.locations import naming_input
from jobs.models import ResolvedModel, outputs_of, resolve_models
from jobs.opening import StageRequest, open_stage
from jobs.planning.fingerprint import fingerprint_parts
from jobs.registry import job_kind, kind_of
from jobs.reporting.thumbnails import check_column
from jobs.rundir import StageDirectory
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.rows import output_columns, row_schema
from schemas.run import stage_directory
from schemas.spec import Spec, Thumbnails
from workers.calibration.columns import PARTS
from workers.collection import Collection, OpenCollection, StagePlan, TakesSteps


@dataclass(frozen=True)
class StagedJob:
    """A job, its models found and its input understood."""

    spec: Spec
    storage: StorageSettings
    models: Mapping[str, ResolvedModel]
    collection: Collection

    def request(self, finished: Sequence[StageDirectory]) -> StageRequest | None:
        """How to open the stage after these; None if they are all."""
        if len(finished) == len(self.collection.stages):
            return None
        files = [stage.finished() for stage in finished]
        cards = {name: model.card for name, model in self.models.items()}
        with naming_input(self.spec):
            plan = self.collection.plan(self.collection.stages[len(finished)], files, cards)
        request = self._request(plan)
        if not finished:
            return request
        earlier = {stage.run.stage: stage.run.fingerprint for stage in finished}
        return replace(request, earlier=earlier, listed=finished[0].run.recorded.get("listed"))

    def open_next(self, store: Store, finished: Sequence[StageDirectory]) -> StageDirectory | None:
        """Open the stage after these; None if they are all."""
        request = self.request(finished)
        return None if request is None else open_stage(store, request)

    def _request(self, plan: StagePlan) -> StageRequest:
        last = plan.stage == self.collection.stages[-1]
        models = self.models if plan.columns is None or plan.with_models else {}
        columns = output_columns(outputs_of(models)) if plan.columns is None else plan.columns
        carried = [plan.schema.field(name) for name in plan.carry]
        row_schema([*carried, *(pa.field(name, pa.string()) for name in plan.header_carry)], columns)
        prepare = {name: model.prepare for name, model in models.items()}
        records = {name: model.record for name, model in models.items()}
        source = self.collection.source.model_dump(mode="json")
        calibrated = self._calibrated(plan) if plan.columns is None else {}
        return StageRequest(
            plan=plan,
            spec=self.spec,
            directory="" if last else stage_directory(plan.stage),
            rows_dir=job_kind(self.spec.job).rows_dir if last else "rows",
            parts={**fingerprint_parts(self.spec, plan, source, prepare, records, columns), **calibrated},
            columns=columns,
            models=records,
            prepare=prepare,
        )

    def _calibrated(self, plan: StagePlan) -> dict[str, Any]:
        """What rows are calibrated with, as a part of the fingerprint. Raises SpecError for a column that is needed and
        not carried."""
        found = {name: model.calibration for name, model in self.models.items() if model.calibration is not None}
        carried = [*plan.carry, *plan.header_carry]
        for name, document in found.items():
            for output, one in document.outputs.items():
                if one.by and one.by not in carried:
                    raise SpecError(
                        f"model {name!r}: {output} is calibrated by {one.by!r}, which the rows do not carry: add it to "
                        "input.carry, or take calibration.json out of the model directory"
                    )
        return {PARTS: {name: document.model_dump(mode="json") for name, document in found.items()}} if found else {}


def understand(spec: Spec, storage: StorageSettings) -> StagedJob:
    """Check the input's own settings and find the models. Reads no record. Raises SpecError or RefusedError."""
    collection = open_input(spec, storage)
    models = resolve_models(spec, storage, collection)
    if spec.report.thumbnails is not None:
        _check_thumbnails(spec, spec.report.thumbnails, models)
    return StagedJob(spec, storage, models, collection)


def _check_thumbnails(spec: Spec, wanted: Thumbnails, models: Mapping[str, ResolvedModel]) -> None:
    room = kind_of(spec).room(spec.input)
    if room.find("thumbnails", "thumbnails") is None:
        raise SpecError("report.thumbnails: there are pictures of images only; remove it")
    check_column(wanted, output_columns(outputs_of(models)))


def open_input(spec: Spec, storage: StorageSettings) -> Collection:
    """The collection, or the converter, that `input:` names. Raises SpecError."""
    room = kind_of(spec).room(spec.input)
    source = validate(room.get("settings", "INPUT"), spec.input, "input")
    opener: OpenCollection = room.get("collection", "open_collection")
    collection = opener(source, storage, spec.compute)
    if isinstance(collection, TakesSteps):
        collection.take_steps(spec.prepare)
    return collection
