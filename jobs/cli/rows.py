"""`wardround rows RUN --status unreadable`: which records, and why."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice

from jobs.cli.arguments import add_json, add_run, at_least
from jobs.console import columns, say, show, show_json
from jobs.rows import Row, rows_with
from jobs.spec_source import run_store
from schemas.status import Status

_LIMIT = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument(
        "--status",
        action="append",
        choices=[str(status) for status in Status],
        metavar="STATUS",
        help="may be given several times; without it: every status but ok",
    )
    parser.add_argument("--model", help="what became of the records in this model, where the run has several")
    parser.add_argument(
        "--limit", type=at_least(0), default=_LIMIT, help=f"at most so many rows, 0: all (default {_LIMIT})"
    )
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0, also where no record has that status. With --json one object a line."""
    statuses = arguments.status or [str(status) for status in Status if status != Status.OK]
    found = iter(rows_with(run_store(arguments.run), statuses, arguments.model))
    limited = islice(found, arguments.limit) if arguments.limit > 0 else found
    if arguments.json:
        for row in limited:
            show_json(asdict(row))
    else:
        _table(limited)
    if arguments.limit > 0 and next(found, None) is not None:
        say(f"there are more than {arguments.limit}: --limit 0 shows all")
    return 0


def _table(rows: Iterable[Row]) -> None:
    lines = [("record_id", "status", "detail"), *((row.record_id, row.status, row.detail) for row in rows)]
    if len(lines) == 1:
        say("no record has that status")
        return
    show(columns(lines))
