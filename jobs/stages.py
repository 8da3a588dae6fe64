"""Which stages a job on a collection has, and what decides each: the requests that `jobs.opening` opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings, Store
from jobs.fingerprint import fingerprint_parts
from jobs.models import ResolvedModel, outputs_of
from jobs.opening import StageRequest, open_stage
from jobs.rundir import Stage
from schemas.loading import validate
from schemas.rows import OutputColumn, output_columns, row_schema
from schemas.spec import Spec
from workers.images.frames import frame_records
from workers.images.planning import ImageRecords
from workers.images.settings import ImagesInput

HEADERS = "headers"
PREDICT = "predict"
_FRAME_COUNT = "n_frames"


@dataclass(frozen=True)
class Prediction:
    """A predict job over images, its models found and its input understood."""

    spec: Spec
    storage: StorageSettings
    models: dict[str, ResolvedModel]
    records: ImageRecords

    @property
    def by_frame(self) -> bool:
        """Whether a stage that counts frames comes first."""
        return self.records.source.record == "frame"

    def parts(self, stage: str, columns: tuple[OutputColumn, ...]) -> dict[str, Any]:
        """The fingerprint's parts but for the plan."""
        models = {} if stage == HEADERS else self.models
        return fingerprint_parts(
            self.spec,
            stage,
            self.records.source.model_dump(mode="json"),
            {name: model.prepare for name, model in models.items()},
            {name: model.record for name, model in models.items()},
            columns,
            None if stage == HEADERS else self.records.subject_from,
        )

    def headers_request(self) -> StageRequest:
        """The stage that counts the frames of every object."""
        return StageRequest(
            stage=HEADERS,
            directory=f"stages/{HEADERS}/",
            rows_dir="rows",
            spec=self.spec,
            parts=self.parts(HEADERS, ()),
            schema=self.records.schema,
            batches=self.records.batches,
            carry=tuple(field.name for field in self.records.carry),
            header_carry=(_FRAME_COUNT,),
        )

    def predict_request(self, batches: Callable[[], Iterator[pa.RecordBatch]]) -> StageRequest:
        """The stage that scores; `batches` gives its records."""
        columns = output_columns(outputs_of(self.models))
        row_schema([*self.records.carry, *(pa.field(name, pa.string()) for name in self.records.header_carry)], columns)
        return StageRequest(
            stage=PREDICT,
            directory="",
            rows_dir="predictions",
            spec=self.spec,
            parts=self.parts(PREDICT, columns),
            schema=self.records.schema,
            batches=batches,
            prepare={name: model.prepare for name, model in self.models.items()},
            models={name: model.record for name, model in self.models.items()},
            carry=tuple(field.name for field in self.records.carry),
            header_carry=self.records.header_carry,
            columns=columns,
        )

    def open_first(self, store: Store) -> Stage:
        """The first stage of the run, planned from the input."""
        if self.by_frame:
            return open_stage(store, self.headers_request())
        return open_stage(store, self.predict_request(self.records.batches))

    def open_next(self, store: Store, finished: Stage) -> Stage:
        """The stage after a finished one, planned from what that one committed and from nothing else."""
        return open_stage(
            store, self.predict_request(lambda: frame_records(finished.store, finished.directory, finished.run))
        )


def understand(spec: Spec, storage: StorageSettings, models: dict[str, ResolvedModel]) -> Prediction:
    """Check the collection's own settings. Raises SpecError."""
    source = validate(ImagesInput, spec.input, "input")
    return Prediction(spec, storage, models, ImageRecords(source, storage))
