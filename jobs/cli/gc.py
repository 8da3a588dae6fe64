"""`wardround gc RUN`: what crashed attempts left behind. Shows; deletes with --yes only."""

import argparse
from datetime import timedelta

from jobs.cli.arguments import add_json, add_run
from jobs.console import columns, say, show, show_json
from jobs.leftovers import Leftover, leftovers
from jobs.reporting.amounts import duration, size
from jobs.spec_source import run_store
from jobs.state import age
from schemas.errors import UsageError
from schemas.units import parse_seconds

_DEFAULT_AGE = "24h"

EXAMPLES = ("wardround gc cxr.yaml", "wardround gc s3://results/cxr-2024/ --older-than 7h --yes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    parser.add_argument("--yes", action="store_true", help="delete them; rows are never touched")
    parser.add_argument(
        "--older-than",
        default=_DEFAULT_AGE,
        metavar="AGE",
        help=f"only what is older, such as 90m or 24h (default {_DEFAULT_AGE}); younger may belong to a run at work",
    )
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0, whether there was something or not."""
    store = run_store(arguments.run)
    found = list(leftovers(store, _age(arguments.older_than)))
    for leftover in found if arguments.yes else []:
        leftover.remove(store)
    if arguments.json:
        for one in found:
            facts = {"kind": one.kind, "key": one.key, "bytes": one.size, "modified": one.modified}
            show_json({**facts, "deleted": arguments.yes})
    elif found:
        show(columns([("kind", "age", "size", "key"), *(_row(leftover) for leftover in found)]))
    word = "deleted" if arguments.yes else "would be deleted with --yes"
    say(f"{len(found)} leftovers {word}" if found else "nothing is left over")
    return 0


def _age(text: str) -> timedelta:
    try:
        seconds = float(str(parse_seconds(text)))
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--older-than: {error}") from None


def _row(leftover: Leftover) -> tuple[str, str, str, str]:
    known = "" if leftover.size is None else size(leftover.size)
    return leftover.kind, duration(age(leftover.modified)), known, leftover.key
