"""`wardround demo`: a whole run on a real S3 server on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from cluster.storage import open_store
from jobs import demo
from jobs.amounts import duration
from jobs.cli.console import columns, say, show, show_json
from jobs.cli.locate import add_json
from jobs.cli.progress import MODES
from jobs.cli.run import run
from jobs.cli.signals import StopRequests
from jobs.cli.summary import as_json, status_rows
from jobs.running import Outcome
from jobs.settings import storage_settings
from schemas.spec import load_spec

_FOLDER = "demo-output"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--output", default=_FOLDER, metavar="FOLDER", help=f"made anew each time (default {_FOLDER})")
    parser.add_argument("--progress", choices=MODES, default="auto")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Run it and say how to look at the result."""
    folder = Path(arguments.output)
    with StopRequests().installed() as stop, demo.environment(folder, say) as path:
        spec = load_spec(path)
        outcome = run(spec, stop, arguments.progress)
        demo.keep(open_store(outcome.run_uri, storage_settings(spec)), folder / "run")
    found = demo.flagged(folder)
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
    for line in demo.look_lines(folder):
        show(f"    {line}")
