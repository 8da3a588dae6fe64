"""`wardround rows RUN --status unreadable`: which records, and why."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import islice

from jobs.cli.arguments import add_json, add_run, at_least
from jobs.console import columns, say, show, show_json
from jobs.reporting.amounts import values_text
from jobs.rows import Row, rows_with
from jobs.spec_source import run_store
from schemas.status import Status

_LIMIT = 100
_FEW = 10
"""Scored rows that are shown where nothing was asked for and nothing was rejected."""
_ALL_OK = "every record that was scored so far is ok: --status ok shows them all with their values, the first are"

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


def hint(arguments: argparse.Namespace, words: Sequence[str]) -> str:
    """What words are meant for that belong to no argument."""
    if not arguments.status or not all(word in [str(status) for status in Status] for word in words):
        return ""
    return ": one status at a time, " + " ".join(f"--status {status}" for status in [*arguments.status, *words])


def call(arguments: argparse.Namespace) -> int:
    """0, also where no record has that status. With --json one object a line."""
    statuses = arguments.status or [str(status) for status in Status if status != Status.OK]
    scored = Status.OK in statuses
    store = run_store(arguments.run)
    found = iter(rows_with(store, statuses, arguments.model, values=scored))
    limited = islice(found, arguments.limit) if arguments.limit > 0 else found
    if arguments.json:
        for row in limited:
            facts = asdict(row)
            show_json(facts if scored else {name: facts[name] for name in ("record_id", "status", "detail")})
    elif not _table(limited, scored):
        if arguments.status:
            say(f"no record has the status {' or '.join(arguments.status)}")
        else:
            say(_ALL_OK)
            _table(islice(rows_with(store, [Status.OK], arguments.model, values=True), _FEW), scored=True)
    if arguments.limit > 0 and next(found, None) is not None:
        say(f"there are more than {arguments.limit}: --limit 0 shows all")
    return 0


def _table(rows: Iterable[Row], scored: bool) -> bool:
    """Whether there was any row. `scored`: the values of a row that is ok, and behind them what is remarked on it."""
    lines = [("record_id", "status", "values, or why there are none" if scored else "detail")]
    lines += [(row.record_id, row.status, _told(row)) for row in rows]
    if len(lines) > 1:
        show(columns(lines))
    return len(lines) > 1


def _told(row: Row) -> str:
    scored = values_text(row.values) if row.values and row.status == Status.OK else ""
    return "; ".join(part for part in (scored, row.detail) if part)
