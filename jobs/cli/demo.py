"""`wardround demo`: whole runs on a real S3 server on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from cluster.storage import open_store
from jobs.amounts import duration
from jobs.cli.console import columns, say, show, show_json
from jobs.cli.locate import add_json
from jobs.cli.progress import MODES
from jobs.cli.run import run
from jobs.cli.signals import StopRequests
from jobs.cli.summary import as_json, status_rows
from jobs.demo import images
from jobs.demo.stage_set import keep, set_up
from jobs.running import Outcome
from jobs.settings import storage_settings

_FOLDER = "demo-output"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--output", default=_FOLDER, metavar="FOLDER", help=f"made anew each time (default {_FOLDER})")
    parser.add_argument("--progress", choices=MODES, default="auto")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Run it and say how to look at the result."""
    folder = Path(arguments.output)
    with StopRequests().installed() as stop, set_up(folder) as stage:
        say(f"an S3 server listens at {stage.endpoint_url}")
        spec = images.fill(stage, say)
        outcome = run(spec, stop, arguments.progress)
        keep(open_store(outcome.run_uri, storage_settings(spec)), folder / "run")
    found = images.flagged(folder / "run")
    if arguments.json:
        show_json({**as_json(outcome), "flagged": found, "copy": str(folder / "run")})
    else:
        _show(outcome, folder, found)
    return 0


def _show(outcome: Outcome, folder: Path, flagged: int) -> None:
    manifest = outcome.manifest
    busy = "not measured" if manifest.busy is None else f"{manifest.busy:.0%}"
    rows = [
        ("records", f"{manifest.records:,}"),
        *status_rows(manifest.statuses),
        ("with text in their pixels", f"{flagged:,}"),
        ("busy", busy),
        ("time", duration(outcome.seconds)),
        ("lay at", f"{outcome.run_uri} (the server has stopped)"),
        ("lies at", f"{folder / 'run'} (a copy; report.html is in it)"),
    ]
    show(columns(rows))
    show("\nLook at it:")
    for line in images.look_lines(folder / "run"):
        show(f"    {line}")
