"""`wardround run SPEC`: score every record, or go on where an earlier command stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from jobs.cli.console import show, show_json
from jobs.cli.locate import add_json
from jobs.cli.progress import MODES, open_progress
from jobs.cli.signals import StopRequests
from jobs.cli.summary import as_json, as_table
from jobs.execute import Watchers
from jobs.hosts import pool
from jobs.report import write_report
from jobs.running import Outcome, run_stages
from jobs.settings import output_store
from schemas.run import REPORT_KEY
from schemas.spec import Spec, load_spec
from schemas.without_pandas import keep_pandas_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spec", metavar="SPEC", help="the YAML file that says what to read, which models, where to")
    parser.add_argument("--progress", choices=MODES, default="auto", help="auto: rich on a terminal, else plain lines")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 if the run is complete."""
    keep_pandas_out()
    spec = load_spec(Path(arguments.spec))
    with StopRequests().installed() as stop:
        outcome = run(spec, stop, arguments.progress)
    if arguments.json:
        show_json(as_json(outcome))
    else:
        show(as_table(outcome))
    return 0


def run(spec: Spec, stop: StopRequests, progress: str) -> Outcome:
    """Run a spec under the eyes of a person, and write its report."""
    with pool(spec) as open_host, open_progress(progress) as shown:
        watchers = Watchers(on_progress=shown.update, should_stop=stop.should_stop, on_report=shown.report)
        outcome = run_stages(spec, stop.graceful(open_host), watchers, shown.announce)
    store = output_store(spec)
    if not outcome.nothing_to_do or store.head(REPORT_KEY) is None:
        write_report(store)
    return outcome
