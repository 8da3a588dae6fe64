"""`wardround export sscore RUN --to PLACE`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cluster.storage import StorageSettings
from jobs.amounts import size
from jobs.cli.console import columns, say, show, show_json
from jobs.cli.locate import add_json, add_run, locate
from jobs.export.sscore import DIGITS, export_sscore
from jobs.settings import storage_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument(
        "--to", required=True, metavar="PLACE", help="a directory of its own: s3://bucket/prefix or a path"
    )
    parser.add_argument("--model", metavar="MODEL", help="only this model's scores, where the run has several")
    parser.add_argument(
        "--digits", type=int, default=DIGITS, metavar="N", help=f"significant digits; {DIGITS} as plink2, 17 are all"
    )
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Write the files; 4 if the run is not complete, 3 where another export lies."""
    run = locate(arguments.run)
    storage = storage_settings(run.spec) if run.spec else StorageSettings()
    made = export_sscore(run.store, arguments.to, storage, arguments.model, arguments.digits)
    if made.low_overlap:
        say(f"{len(made.low_overlap)} scores are in no file: too few of their variants were found")
    if arguments.json:
        show_json(asdict(made))
        return 0
    show(
        columns(
            [
                ("exported to", made.uri),
                ("files", f"{made.files:,}, {size(made.bytes)}"),
                ("samples", f"{made.samples:,}"),
                ("scores", f"{made.scores:,}"),
                (
                    "left out",
                    ", ".join(f"{count:,} {status}" for status, count in sorted(made.left_out.items())) or "0",
                ),
            ]
        )
    )
    return 0
