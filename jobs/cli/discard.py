"""`wardround discard RUN`: take a run away, so that another can lie in its place. Shows; deletes with --yes only."""

import argparse

from jobs.cli.arguments import add_json, add_run
from jobs.console import columns, say, show, show_json
from jobs.discard import to_discard
from jobs.reporting.amounts import size
from jobs.spec_source import run_store

EXAMPLES = ("wardround discard cxr.yaml", "wardround discard s3://results/cxr-2024/ --yes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument(
        "--yes", action="store_true", help="delete it; stop its driver first. What is not the run's own stays"
    )
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0; 3 where nobody may delete."""
    store = run_store(arguments.run)
    found = to_discard(store)
    if arguments.yes:
        found.carry_out(store)
    facts = {"objects": len(found.objects), "unfinished": len(found.unfinished), "bytes": found.bytes}
    if arguments.json:
        show_json({"run": store.uri, **facts, "stay": found.stays, "deleted": arguments.yes})
        return 0
    rows = [("objects", f"{len(found.objects):,}"), ("unfinished writes", f"{len(found.unfinished):,}")]
    rows += [("bytes", size(found.bytes)), ("not the run's own, stay", f"{found.stays:,}"), ("lay at", store.uri)]
    show(columns(rows))
    say("discarded" if arguments.yes else "this would be deleted with --yes, with all its rows")
    return 0
