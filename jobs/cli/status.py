"""`wardround status RUN`: how far a run is, from storage alone."""

import argparse

from jobs.cli.arguments import add_json, add_run
from jobs.cli.summary import status_rows
from jobs.console import columns, show, show_json
from jobs.reporting.amounts import duration
from jobs.spec_source import run_store
from jobs.state import RunState, StageState, age, run_state

EXAMPLES = ("wardround status cxr.yaml", "wardround status s3://results/cxr-2024/ --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 if a run lies there, complete or not."""
    store = run_store(arguments.run)
    state = run_state(store)
    if arguments.json:
        show_json({"run": store.uri, **state.as_json()})
    else:
        show(columns(_rows(state, store.uri)))
    return 0


def _rows(state: RunState, uri: str) -> list[tuple[str, str]]:
    rows = [("run", f"{state.name} ({state.run_id})")]
    rows.append(("state", f"complete since {state.finished}" if state.finished else "not complete"))
    for stage in state.stages:
        named = f"shards of {stage.name}" if len(state.stages) > 1 else "shards"
        rows.append((named, f"{stage.done:,} of {stage.shards:,}"))
    last = state.stages[-1]
    rows.append(("records", f"{last.rows:,} of {last.records:,}"))
    rows += status_rows(last.statuses)
    for model, counts in last.models.items():
        rows.append((f"  in {model}", ", ".join(f"{status} {count:,}" for status, count in counts.items())))
    if not state.finished and last.done == last.shards:
        what = "its end, where all is checked" if state.is_last else "the next stage, planned from this one"
        rows.append(("next", f"{what}: the same command goes on"))
    return [*rows, *([] if state.finished else _pace(last)), ("lies at", uri)]


def _pace(stage: StageState) -> list[tuple[str, str]]:
    rows = []
    if stage.rate is not None:
        left = stage.seconds_left
        ends = f", about {duration(left)} left if somebody works on it" if left else ""
        rows.append(("rate", f"{stage.rate:,.1f} records/s{ends}"))
    if stage.last is not None:
        rows.append(("last commit", f"{duration(max(0.0, age(stage.last)))} ago"))
    return rows
