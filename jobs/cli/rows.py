"""`wardround rows RUN --status unreadable`: which records, and why."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice

from jobs.cli.arguments import add_json, add_run, at_least
from jobs.console import columns, say, show, show_json
from jobs.reporting.amounts import values_text
from jobs.rows import Row, rows_with
from jobs.spec_source import run_store
from schemas.status import Status

_LIMIT = 100
_ALL_OK = "every record that was scored so far is ok: --status ok shows them with their values"

EXAMPLES = (
    "wardround rows cxr.yaml",
    "wardround rows cxr.yaml --status ok --limit 5",
    "wardround rows cxr.yaml --status unreadable --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument(
        "--status",
        action="append",
        choices=[str(status) for status in Status],
        metavar="STATUS",
        help="may be given several times; without it: every status but ok. ok shows values too",
    )
    parser.add_argument("--model", help="what became of the records in this model, where the run has several")
    parser.add_argument(
        "--limit", type=at_least(0), default=_LIMIT, help=f"at most so many rows, 0: all (default {_LIMIT})"
    )
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0, also where no record has that status. With --json one object a line."""
    statuses = arguments.status or [str(status) for status in Status if status != Status.OK]
    scored = Status.OK in statuses
    found = iter(rows_with(run_store(arguments.run), statuses, arguments.model, values=scored))
    limited = islice(found, arguments.limit) if arguments.limit > 0 else found
    if arguments.json:
        for row in limited:
            facts = asdict(row)
            show_json(facts if scored else {name: facts[name] for name in ("record_id", "status", "detail")})
    else:
        _table(limited, scored, "no record has that status" if arguments.status else _ALL_OK)
    if arguments.limit > 0 and next(found, None) is not None:
        say(f"there are more than {arguments.limit}: --limit 0 shows all")
    return 0


def _table(rows: Iterable[Row], scored: bool, none: str) -> None:
    """`scored`: the values stand in place of a detail, which rows with values have not."""
    lines = [("record_id", "status", "values, or why there are none" if scored else "detail")]
    lines += [(row.record_id, row.status, row.detail or values_text(row.values)) for row in rows]
    if len(lines) == 1:
        say(none)
        return
    show(columns(lines))
