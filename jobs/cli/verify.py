"""`wardround verify RUN`: read every object of a finished run again and hold it against manifest and plan."""

from __future__ import annotations

import argparse

from jobs.amounts import size
from jobs.cli.console import columns, show, show_json
from jobs.cli.locate import add_json, add_run, locate
from jobs.verify import verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 if all is as the manifest says, 5 if not, 4 if the run is not complete."""
    store = locate(arguments.run).store
    found = verify(store)
    if arguments.json:
        show_json(
            {"run": store.uri, "verified": True, "objects": found.objects, "rows": found.rows, "bytes": found.bytes}
        )
        return 0
    show(
        columns(
            [
                ("verified", store.uri),
                ("objects", f"{found.objects:,}"),
                ("rows", f"{found.rows:,}"),
                ("bytes", size(found.bytes)),
            ]
        )
    )
    return 0
