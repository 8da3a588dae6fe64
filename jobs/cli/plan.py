"""`wardround plan SPEC`: what a run would read, and whether it can be read. Writes nothing at the output."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.amounts import duration, size
from jobs.cli.console import columns, show, show_json
from jobs.cli.locate import add_json
from jobs.planning.preview import Preview, preview
from jobs.predict import prepare_prediction
from jobs.settings import storage_settings
from jobs.stages import Prediction
from schemas.spec import load_spec
from workers.images.look import look
from workers.images.preflight import Preflight

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
    prediction = prepare_prediction(spec, storage_settings(spec))
    with preview(prediction) as seen:
        looked = look(seen.plan.shards() if arguments.all else [seen.spread(_SPREAD)], prediction.records)
        facts = _facts(seen, looked, prediction)
        if arguments.sample > 0:
            facts |= _forecast(prediction, seen, arguments.sample, arguments.workers or spec.compute.workers.max)
    if arguments.json:
        show_json(facts)
    else:
        show(columns(_rows(facts)))
    return 0


def _facts(seen: Preview, looked: Preflight, prediction: Prediction) -> dict[str, Any]:
    return {
        "records": seen.info.records,
        "record": "object, whose frames the run counts first" if prediction.by_frame else "record",
        "shards": seen.info.shards,
        "bytes": seen.info.bytes,
        "output": seen.output,
        "models": {name: model.record.sha256 for name, model in prediction.models.items()},
        "headers_read": looked.read,
        "formats": dict(looked.formats),
        "transfer_syntaxes": dict(looked.transfer_syntaxes),
        "without_decoder": dict(looked.undecodable),
        "refused_by_header": {str(status): count for status, count in looked.refused.items()},
    }


def _forecast(prediction: Prediction, seen: Preview, records: int, workers: int) -> dict[str, Any]:
    # The trial loads the models, and with them torch, which no other plan waits for.
    from jobs.planning.trial import try_out  # noqa: PLC0415

    trial = try_out(prediction, seen.spread(records))
    return {
        "sampled": trial.records,
        "sample_statuses": dict(trial.statuses),
        "sample_seconds": round(trial.seconds, 3),
        "sample_cpus": trial.cpus,
        "workers": workers,
        "hours": round(trial.hours(seen.info.records, workers), 4),
    }


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        (f"{facts['record'].partition(',')[0]}s", f"{facts['records']:,}{_clause(facts['record'])}"),
        ("shards", f"{facts['shards']:,}"),
        ("bytes", size(facts["bytes"])),
        ("at output", facts["output"]),
        *((f"model {name}", digest) for name, digest in facts["models"].items()),
        ("headers read", f"{facts['headers_read']:,}" + ("" if _is_all(facts) else ", spread over the plan")),
        *_counted("formats", facts["formats"]),
        *_counted("transfer syntaxes", facts["transfer_syntaxes"]),
        *_counted("would be refused", facts["refused_by_header"]),
    ]
    rows += [("no decoder", f"{name}: {remedy}") for name, remedy in facts["without_decoder"].items()]
    if "hours" in facts:
        rows += _forecast_rows(facts)
    return rows


def _forecast_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    spent = f"{facts['sampled']:,} records in {duration(facts['sample_seconds'])}"
    took = duration(facts["hours"] * 3600)
    return [
        ("sample", f"{spent}, one worker, {facts['sample_cpus']} CPUs"),
        *_counted("  statuses", facts["sample_statuses"]),
        ("forecast", f"{took} on {facts['workers']} such workers"),
    ]


def _clause(record: str) -> str:
    clause = record.partition(",")[2]
    return f",{clause}" if clause else ""


def _is_all(facts: Mapping[str, Any]) -> bool:
    return bool(facts["headers_read"] == facts["records"])


def _counted(title: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    if not counts:
        return []
    return [(title, ", ".join(f"{name} {count:,}" for name, count in counts.items()))]
