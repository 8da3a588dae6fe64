"""What a job has to know of its input before any worker starts: its stages, and how each is planned.

A collection, or a converter, is a folder in `workers/` or a package of the user's, with modules found by name:

| module | has |
|---|---|
| `settings` | `INPUT`, the pydantic model of `input:` in a spec |
| `collection` | `open_collection(source, storage, compute) -> Collection`: the driver's side, without torch |
| `stages` | one function a stage, `(context: StageContext) -> RecordStage | ShardStage`: the worker's side |
| `steps` | optional: `STEPS`, a `workers.prepare_list.StepTable` of its prepare steps |
| `more_steps` | optional: `TABLES`, such tables of records of other kinds, by name |
| `recheck` | optional: `recheck`, a `Rechecker` |
| `draft` | optional: `draft`, a `workers.drafts.Drafter` |
| `doctor` | optional: `examine`, an `Examination` |
| `made` | optional: `score_made`, a `workers.models.made.ScoreMade`, for `wardround model verify` |
| `onnx_export` | optional: `export`, a `workers.models.made.Export`, for `wardround model export` |
| `checklists` | optional: `checklists(store, run, source) -> Iterable[Checklist]`, for the report |
| `pictures` | optional: `pictures(store) -> Iterable[Picture]`, for the report of a finished run |

What fits into one file may be a module with all of these attributes instead.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
from pydantic import BaseModel

from cluster.storage import StorageSettings
from schemas.finding import Finding
from schemas.rows import OutputColumn
from schemas.run import Signpost, StageKind
from schemas.spec import Compute
from workers.contract import ModelCard
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.stage import FinishedStage

PREDICT = "predict"
"""The last stage of a predict job: the one that has the models' columns and lies in `predictions/`."""


@dataclass(frozen=True)
class StagePlan:
    """How one stage is planned.

    `schema` and `batches` are the plan's (`schemas.plan`); `carry` names those of its columns after the fixed ones that
    the rows have too. `whole_subjects`: neighbours with one `subject_id` are never in two shards, whose sizes then vary
    around `shard_records`; `whole_by` names another column of the plan for it.
    `header_carry` are columns that the records give themselves, text where `header_types` names no
    other type (`schemas.arrow_types`). `columns` are those that a stage of its own writes;
    None: the models' outputs. `kind`: `records` are scored one by one (`RecordStage`), `shards` a shard at a time
    (`ShardStage`). `shard_records` overrules `compute.shard_records`, `sample` the default of `limits.sample`.
    `state` is plain JSON that this stage's rows depend on beside input, models and plan, such as a digest of what
    an earlier stage found: part of the fingerprint, and there in the worker as `context.run.parts["state"]`.
    `with_models`: a stage with columns of its own that reads
    the models too, which are then part of its fingerprint. `signposts` name files beside its rows that summary and
    report point to. `tightenable` are limits among the settings of the input that only refuse records: a run that lies
    there goes on under smaller ones (`workers.pipeline.context.StageContext.tightened`). `processes`: how many work on
    one shard together, on Ray as the workers of Ray Train. `ignores` are settings of the input that decide none of
    its rows, and are no part of its fingerprint. `passed_over` says, once `batches` has come to its end, what of the
    input is no record, by reason: run file, summary and report tell it.
    """

    stage: str
    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    carry: tuple[str, ...] = ()
    header_carry: tuple[str, ...] = ()
    header_types: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[OutputColumn, ...] | None = ()
    kind: StageKind = "records"
    shard_records: int | None = None
    sample: int | None = None
    whole_subjects: bool = False
    whole_by: str = "subject_id"
    subject_from: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    with_models: bool = False
    signposts: tuple[Signpost, ...] = ()
    tightenable: tuple[str, ...] = ()
    processes: int = 1
    ignores: tuple[str, ...] = ()
    passed_over: Callable[[], Mapping[str, int]] = dict


class Collection(Protocol):
    """One input, understood."""

    @property
    def source(self) -> BaseModel:
        """The checked settings; as JSON they are part of the fingerprint."""

    @property
    def stages(self) -> Sequence[str]:
        """Names of the stages in their order."""

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """The prepare steps for one model: those `given` in the spec, else the model's. Raises SpecError."""

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of one stage, once all before it are finished. Raises SpecError or InfrastructureError."""

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Facts about these planned records for `wardround plan`, by name; numbers, text, or counts by name."""


@dataclass(frozen=True)
class Recheck:
    """Some rows of a run, computed again from the source. `wrong` are places among them; `gone` is how many could not
    be computed since the source is not there any more, or not as it was."""

    checked: int
    gone: int
    wrong: tuple[int, ...]


Rechecker = Callable[[Any, StorageSettings, pa.Table, pa.Table], Recheck]
"""`recheck.recheck` of a room, `(source, storage, records, rows)`: what of a row can be told from the source alone,
found in another way. `records` are planned, `rows` what was committed of each. Raises nothing for a source that is
gone."""


@runtime_checkable
class StepsDecideOutputs(Protocol):
    """A collection where prepare steps can decide which columns a model writes."""

    def with_steps(self, card: ModelCard, steps: Sequence[Any]) -> ModelCard:
        """The card of the model under these steps, which `Collection.prepare` gave. Raises SpecError."""


@runtime_checkable
class TakesSteps(Protocol):
    """A collection without models that prepares records all the same."""

    def take_steps(self, given: tuple[Any, ...] | None) -> None:
        """The prepare list of the spec, before anything is planned. Raises SpecError."""


@runtime_checkable
class RemarksOnModels(Protocol):
    """A collection that sees what a person should know of a model before a run with it."""

    def remarks(self, card: ModelCard, steps: Sequence[Any]) -> Sequence[str]:
        """Sentences, of a model under these steps, which `Collection.prepare` gave; told by doctor, plan and report."""


@dataclass(frozen=True)
class TrialPart:
    """What a trial does of a stage: the records at these ascending places of its plan.

    `of_all`: the plan has all records of the stage, though those before it were done in part only.
    """

    places: Sequence[int]
    of_all: bool


@runtime_checkable
class TrialStages(Protocol):
    """A collection with stages that go over all of the input: it says what of each is enough to try.

    Without it a trial does some records of the first stage, and of every later one all that came of them.
    """

    def trial_part(self, stage: str, plan: PlanReader, records: int) -> TrialPart | None:
        """The part of a stage with this plan, for about so many records of the last one. None: it needs all of the
        input, and the trial ends before it."""


@runtime_checkable
class NeedsAll(Protocol):
    """A collection with stages that a part of the records would be too little for: a trial ends before them."""

    def needs_all(self, stage: str) -> bool:
        """Whether it is one of those."""


Examination = Callable[[], Iterable[Finding]]
"""`doctor.examine` of a room: what this machine lacks to read such an input, and what is there. Imports no torch."""

OpenCollection = Callable[[Any, StorageSettings, Compute], Collection]
"""`collection.open_collection` of a room, `(source, storage, compute)`. Raises SpecError if the input cannot be used.
`compute` is for cutting shards, and decides nothing else."""
