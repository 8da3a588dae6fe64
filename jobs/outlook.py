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
class Tried:
    """What a sample says that one worker scored: its records, their statuses, and the values of some that are ok.
    `needs_all`: what comes after it was not tried, since it needs all of the input."""

    sampled: int
    sample_statuses: Mapping[str, int]
    sample_values: tuple[Mapping[str, Any], ...]
    needs_all: bool


@dataclass(frozen=True)
class Forecast:
    """Seconds of a sample on one worker without loading the models, its processors, and the hours that all records
    would take on so many such workers."""

    sample_seconds: float
    sample_cpus: int
    workers: int
    hours: float


@dataclass(frozen=True)
class Outlook:
    """A plan that was made and thrown away.

    `records` and `shards` are the first stage's, `bytes` those of its records where the plan knows them, `output` says
    what lies where the run would write, `models` has each model's sha256, `remarks` what to know of it, and `found`
    what a look at `looked_at` records brought, under names of the collection's. `listed`: what a second list of the
    input says, where one was asked for.
    """

    records: int
    stages: tuple[str, ...]
    shards: int
    bytes: int
    output: str
    models: Mapping[str, str]
    looked_at: int
    found: Mapping[str, Any]
    tried: Tried | None = None
    forecast: Forecast | None = None
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    listed: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, the facts of sample and forecast beside the others."""
        facts = asdict(self)
        more = {**(facts.pop("tried") or {}), **(facts.pop("forecast") or {})}
        return {**facts, "stages": list(self.stages), **more}


def outlook(
    spec: Spec,
    *,
    all_records: bool = False,
    sample: int | None = None,
    workers: int | None = None,
    check: bool = False,
) -> Outlook:
    """List the input and plan it, look at records, load the models and score records here.

    `all_records`: look at every record instead of a spread of them. `sample`: so many are scored, and the time of all
    is forecast; None: a few, where there are models; 0: none, and no model is loaded. `workers`: to forecast for; else
    as many as the spec allows. `check`: list the input twice and compare. Raises an error of `schemas.errors` where a
    run would: nothing is scored if the run could not start.
    """
    job = prepare_job(spec, storage_settings(spec))
    with preview(job, twice=check) as seen:
        found = job.collection.look(seen.plan.shards() if all_records else [seen.spread(SPREAD)])
        tried, forecast = None, None
        if sample or (sample is None and job.models):
            tried, forecast = _tried(job, seen, sample, workers or spec.compute.workers.max)
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
            tried=tried,
            forecast=forecast,
            listed=seen.listed,
        )


def _tried(job: StagedJob, seen: Preview, sample: int | None, workers: int) -> tuple[Tried, Forecast | None]:
    # The trial loads the models, and with them torch, which a plan without it does not wait for.
    from jobs.trial import FEW, try_out  # noqa: PLC0415

    trial = try_out(job, seen, FEW if sample is None else sample, timed=sample is not None)
    tried = Tried(trial.records, dict(trial.statuses), trial.values, not trial.whole)
    if sample is None:
        return tried, None
    hours = round(trial.hours(workers), 4)
    return tried, Forecast(round(trial.seconds, 3), trial.cpus, workers, hours)
