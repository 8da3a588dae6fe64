"""`wardround export vcf RUN --to PLACE`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cluster.storage import StorageSettings
from jobs.amounts import size
from jobs.cli.console import columns, say, show, show_json
from jobs.cli.locate import add_json, add_run, locate
from jobs.export.vcf import PREFIX, VcfExport, export_vcf
from jobs.settings import storage_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument(
        "--to", required=True, metavar="PLACE", help="a directory of its own: s3://bucket/prefix or a path"
    )
    parser.add_argument(
        "--columns", metavar="NAMES", help="columns of the rows that go into INFO, with commas (default: all numbers)"
    )
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Write the files; 4 if the run is not complete, 3 where another export lies."""
    run = locate(arguments.run)
    storage = storage_settings(run.spec) if run.spec else StorageSettings()
    wanted = [name.strip() for name in (arguments.columns or "").split(",") if name.strip()]
    made = export_vcf(run.store, arguments.to, storage, wanted)
    if made.left_out:
        say(f"{made.left_out} lines of the source are no records of a VCF and are left out")
    if not made.has_index:
        say("the source is not sorted, so that there is no index: sort the file with bcftools sort")
    if arguments.json:
        show_json(asdict(made))
    else:
        _table(made)
    return 0


def _table(made: VcfExport) -> None:
    show(
        columns(
            [
                ("exported to", made.uri),
                ("INFO", ", ".join(PREFIX + name for name in (*made.columns, "status"))),
                ("files", f"{made.files:,}, {size(made.bytes)}"),
                ("records", f"{made.records:,}"),
            ]
        )
    )
