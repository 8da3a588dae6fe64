"""What a run would read, whether it can be read, and how long it would take. Writes nothing at the output."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from jobs.preview import Preview, preview
from jobs.running import prepare_job
from jobs.settings import storage_settings
from jobs.stages import StagedJob
from schemas.spec import Spec

SPREAD = 1000
"""Records whose headers are looked at, evenly spread over the plan."""


@dataclass(frozen=True)
class Forecast:
    """What a sample says that one worker scored: its records, their statuses, its seconds without loading the models,
    its processors, and the hours that all records would take on so many such workers."""

    sampled: int
    sample_statuses: Mapping[str, int]
    sample_seconds: float
    sample_cpus: int
    workers: int
    hours: float


@dataclass(frozen=True)
class Outlook:
    """A plan that was made and thrown away.

    `records` and `shards` are the first stage's, `bytes` those of its records where the plan knows them, `output` says
    what lies where the run would write, `models` has each model's sha256, `remarks` what to know of it, and `found`
    what a look at `looked_at` records brought, under names of the collection's.
    """

    records: int
    stages: tuple[str, ...]
    shards: int
    bytes: int
    output: str
    models: Mapping[str, str]
    looked_at: int
    found: Mapping[str, Any]
    forecast: Forecast | None = None
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, the forecast's facts beside the others."""
        facts = asdict(self)
        forecast = facts.pop("forecast") or {}
        return {**facts, "stages": list(self.stages), **forecast}


def outlook(spec: Spec, *, all_records: bool = False, sample: int = 0, workers: int | None = None) -> Outlook:
    """List the input and plan it, look at records, and score `sample` of them here where that is not 0.

    `all_records`: look at every record instead of a spread of them. `workers`: to forecast for; else as many as the
    spec allows. Raises an error of `schemas.errors` where a run would: nothing is scored if the run could not start.
    """
    job = prepare_job(spec, storage_settings(spec))
    with preview(job) as seen:
        found = job.collection.look(seen.plan.shards() if all_records else [seen.spread(SPREAD)])
        forecast = _forecast(job, seen, sample, workers or spec.compute.workers.max) if sample > 0 else None
        return Outlook(
            records=seen.info.records,
            stages=tuple(job.collection.stages),
            shards=seen.info.shards,
            bytes=seen.info.bytes,
            output=seen.output,
            models={name: model.record.sha256 for name, model in job.models.items()},
            remarks={name: model.record.remarks for name, model in job.models.items() if model.record.remarks},
            looked_at=seen.info.records if all_records else min(SPREAD, seen.info.records),
            found=dict(found),
            forecast=forecast,
        )


def _forecast(job: StagedJob, seen: Preview, records: int, workers: int) -> Forecast:
    # The trial loads the models, and with them torch, which no other plan waits for.
    from jobs.trial import try_out  # noqa: PLC0415

    trial = try_out(job, seen.spread(records))
    return Forecast(
        sampled=trial.records,
        sample_statuses=dict(trial.statuses),
        sample_seconds=round(trial.seconds, 3),
        sample_cpus=trial.cpus,
        workers=workers,
        hours=round(trial.hours(seen.info.records, workers), 4),
    )
