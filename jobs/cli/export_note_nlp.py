"""`wardround export note_nlp RUN --to PLACE`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cluster.storage import StorageSettings
from jobs.amounts import size
from jobs.cli.console import columns, say, show, show_json
from jobs.cli.locate import add_json, add_run, locate
from jobs.export.note_nlp import export_note_nlp
from jobs.settings import storage_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument(
        "--to", required=True, metavar="PLACE", help="a directory of its own: s3://bucket/prefix or a path"
    )
    parser.add_argument("--column", metavar="COLUMN", help="the column of entities, where the run has several")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Write the files; 4 if the run is not complete, 3 where another export lies."""
    run = locate(arguments.run)
    storage = storage_settings(run.spec) if run.spec else StorageSettings()
    made = export_note_nlp(run.store, arguments.to, storage, arguments.column)
    if not made.has_snippets:
        say("snippet is null: only a run with input.keep_text has the text around an entity")
    if arguments.json:
        show_json(asdict(made))
        return 0
    show(
        columns(
            [
                ("exported to", made.uri),
                ("entities", made.entities),
                ("files", f"{made.files:,}, {size(made.bytes)}"),
                ("notes", f"{made.notes:,}"),
                ("terms", f"{made.terms:,}"),
            ]
        )
    )
    return 0
