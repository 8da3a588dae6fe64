"""`wardround plan SPEC`: what a run would read, and whether it can be read. Writes nothing at the output."""

import argparse
from collections.abc import Mapping
from typing import Any

from jobs.cli.arguments import add_json, at_least
from jobs.console import columns, show, show_json
from jobs.outlook import SPREAD, Forecast, Outlook, Tried, outlook
from jobs.reporting.amounts import duration, size, values_text
from jobs.spec_source import spec_from
from schemas.wording import counted

EXAMPLES = ("wardround plan cxr.yaml", "wardround plan cxr.yaml --sample 200 --workers 16")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spec", metavar="SPEC", help="the YAML file of the run (a path or a uri)")
    parser.add_argument("--all", action="store_true", help=f"read every header, not those of {SPREAD} spread records")
    parser.add_argument(
        "--sample",
        type=at_least(0),
        metavar="N",
        help="score N records (of a conversion: read N parts of files) and forecast the time; 0: load no model. "
        "Without it a few records are scored",
    )
    parser.add_argument(
        "--check", action="store_true", help="list the input twice and compare, also with the run at the output"
    )
    parser.add_argument("--workers", type=at_least(1), metavar="W", help="to forecast for; else compute.workers.max")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 if the run could start."""
    spec = spec_from(arguments.spec)
    seen = outlook(
        spec, all_records=arguments.all, sample=arguments.sample, workers=arguments.workers, check=arguments.check
    )
    if arguments.json:
        show_json(seen.as_json())
    else:
        show(columns(_rows(seen)))
    return 0


def _rows(seen: Outlook) -> list[tuple[str, str]]:
    stages = seen.stages
    is_part = seen.looked_at < seen.records
    rows = [
        ("records", f"{seen.records:,}" + (f" of stage {stages[0]}" if len(stages) > 1 else "")),
        *([("stages", ", ".join(stages))] if len(stages) > 1 else []),
        ("shards", f"{seen.shards:,}"),
        # A table of genotypes or scores says no sizes.
        *([("bytes", size(seen.bytes))] if seen.bytes else []),
        ("at output", seen.output),
        *seen.listed.items(),
        *((f"model {name}", digest) for name, digest in seen.models.items()),
        *((f"WARNING {name}", remark) for name, remarks in seen.remarks.items() for remark in remarks),
        *([("looked at", f"{seen.looked_at:,} of them, spread; --all for all")] if is_part else []),
        *(row for name, value in seen.found.items() for row in _found(name.replace("_", " "), value)),
    ]
    rows += [] if seen.tried is None else _tried_rows(seen.tried)
    return rows if seen.forecast is None else rows + _forecast_rows(seen.forecast)


def _found(title: str, value: Any) -> list[tuple[str, str]]:
    """Counts by name on one line, remedies a line each, anything else as it is."""
    if not isinstance(value, Mapping):
        return [(title, f"{value:,}" if isinstance(value, int) else str(value))]
    if all(isinstance(item, int) for item in value.values()):
        return _counted(title, value)
    return [(title, f"{name}: {remedy}") for name, remedy in value.items()]


def _tried_rows(tried: Tried) -> list[tuple[str, str]]:
    rows = [("tried", counted(tried.sampled, "record")), *_counted("  statuses", tried.sample_statuses)]
    rows += [("  one of them", values_text(values)) for values in tried.sample_values if values]
    return [*rows, ("  not tried", "what needs all of the input")] if tried.needs_all else rows


def _forecast_rows(forecast: Forecast) -> list[tuple[str, str]]:
    spent = f"{duration(forecast.sample_seconds)}, one worker, {counted(forecast.sample_cpus, 'CPU')}"
    return [
        ("  time", spent),
        ("forecast", f"{duration(forecast.hours * 3600)} on {forecast.workers} such workers"),
    ]


def _counted(title: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    if not counts:
        return []
    return [(title, ", ".join(f"{name} {count:,}" for name, count in counts.items()))]
