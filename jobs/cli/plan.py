"""`wardround plan SPEC`: what a run would read, and whether it can be read. Writes nothing at the output."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.amounts import duration, size
from jobs.cli.console import columns, show, show_json
from jobs.cli.locate import add_json
from jobs.preview import Preview, preview
from jobs.running import prepare_job
from jobs.settings import storage_settings
from jobs.stages import StagedJob
from schemas.spec import load_spec

_SPREAD = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spec", metavar="SPEC", help="the YAML file of the run")
    parser.add_argument("--all", action="store_true", help=f"read every header, not those of {_SPREAD} spread records")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="score N spread records, forecast the time")
    parser.add_argument("--workers", type=int, metavar="W", help="to forecast for; else compute.workers.max")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 if the run could start."""
    spec = load_spec(Path(arguments.spec))
    job = prepare_job(spec, storage_settings(spec))
    with preview(job) as seen:
        looked = job.collection.look(seen.plan.shards() if arguments.all else [seen.spread(_SPREAD)])
        facts = _facts(seen, looked, job, arguments.all)
        if arguments.sample > 0:
            facts |= _forecast(job, seen, arguments.sample, arguments.workers or spec.compute.workers.max)
    if arguments.json:
        show_json(facts)
    else:
        show(columns(_rows(facts)))
    return 0


def _facts(seen: Preview, looked: Mapping[str, Any], job: StagedJob, is_all: bool) -> dict[str, Any]:
    return {
        "records": seen.info.records,
        "stages": list(job.collection.stages),
        "shards": seen.info.shards,
        "bytes": seen.info.bytes,
        "output": seen.output,
        "models": {name: model.record.sha256 for name, model in job.models.items()},
        "looked_at": seen.info.records if is_all else min(_SPREAD, seen.info.records),
        "found": dict(looked),
    }


def _forecast(job: StagedJob, seen: Preview, records: int, workers: int) -> dict[str, Any]:
    # The trial loads the models, and with them torch, which no other plan waits for.
    from jobs.trial import try_out  # noqa: PLC0415

    trial = try_out(job, seen.spread(records))
    return {
        "sampled": trial.records,
        "sample_statuses": dict(trial.statuses),
        "sample_seconds": round(trial.seconds, 3),
        "sample_cpus": trial.cpus,
        "workers": workers,
        "hours": round(trial.hours(seen.info.records, workers), 4),
    }


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    stages: list[str] = facts["stages"]
    is_part = facts["looked_at"] < facts["records"]
    rows = [
        ("records", f"{facts['records']:,}" + (f" of stage {stages[0]}" if len(stages) > 1 else "")),
        *([("stages", ", ".join(stages))] if len(stages) > 1 else []),
        ("shards", f"{facts['shards']:,}"),
        ("bytes", size(facts["bytes"])),
        ("at output", facts["output"]),
        *((f"model {name}", digest) for name, digest in facts["models"].items()),
        *([("looked at", f"{facts['looked_at']:,} of them, spread; --all for all")] if is_part else []),
        *(row for name, value in facts["found"].items() for row in _found(name.replace("_", " "), value)),
    ]
    if "hours" in facts:
        rows += _forecast_rows(facts)
    return rows


def _found(title: str, value: Any) -> list[tuple[str, str]]:
    """Counts by name on one line, remedies a line each, anything else as it is."""
    if not isinstance(value, Mapping):
        return [(title, f"{value:,}" if isinstance(value, int) else str(value))]
    if all(isinstance(item, int) for item in value.values()):
        return _counted(title, value)
    return [(title, f"{name}: {remedy}") for name, remedy in value.items()]


def _forecast_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    spent = f"{facts['sampled']:,} records in {duration(facts['sample_seconds'])}"
    took = duration(facts["hours"] * 3600)
    return [
        ("sample", f"{spent}, one worker, {facts['sample_cpus']} CPUs"),
        *_counted("  statuses", facts["sample_statuses"]),
        ("forecast", f"{took} on {facts['workers']} such workers"),
    ]


def _counted(title: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    if not counts:
        return []
    return [(title, ", ".join(f"{name} {count:,}" for name, count in counts.items()))]
