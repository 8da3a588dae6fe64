"""`wardround export meds RUN --to PLACE`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cluster.storage import StorageSettings
from jobs.amounts import size
from jobs.cli.console import columns, say, show, show_json
from jobs.cli.locate import add_json, add_run, locate
from jobs.export.meds import THRESHOLD, TRUTH, MedsExport, export_meds
from jobs.settings import storage_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument(
        "--to", required=True, metavar="PLACE", help="a directory of its own: s3://bucket/prefix or a path"
    )
    parser.add_argument(
        "--score", metavar="COLUMN", help="the column of probabilities, where the run has several scores"
    )
    parser.add_argument(
        "--threshold", type=float, default=THRESHOLD, help=f"predicted true from here on (default {THRESHOLD})"
    )
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Write the files; 4 if the run is not complete, 3 where another export lies."""
    run = locate(arguments.run)
    storage = storage_settings(run.spec) if run.spec else StorageSettings()
    made = export_meds(run.store, arguments.to, storage, arguments.score, arguments.threshold)
    if made.left_out:
        counts = ", ".join(f"{status} {count}" for status, count in sorted(made.left_out.items()))
        say(f"{sum(made.left_out.values())} rows have no prediction and are left out: {counts}")
    if made.truth_missing and not made.has_truth and made.truth_missing < made.predictions:
        say(f"{TRUTH} is null in {made.truth_missing} of {made.predictions} predictions: truth is left out of all")
    if arguments.json:
        show_json({**asdict(made), "left_out": dict(sorted(made.left_out.items()))})
    else:
        _table(made)
    return 0


def _table(made: MedsExport) -> None:
    show(
        columns(
            [
                ("exported to", made.uri),
                ("score", made.score),
                ("files", f"{made.files:,}, {size(made.bytes)}"),
                ("predictions", f"{made.predictions:,}, {made.positive:,} at or above {made.threshold}"),
                ("truth", TRUTH if made.has_truth else "none"),
            ]
        )
    )
