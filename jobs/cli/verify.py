"""`wardround verify RUN`: read every object of a finished run again and hold it against manifest and plan."""

import argparse

from jobs.cli.arguments import add_json, add_run
from jobs.console import columns, show, show_json
from jobs.reporting.amounts import size
from jobs.spec_source import run_store
from jobs.verification.verify import verify
from schemas.wording import counted
from workers.collection import Recheck

EXAMPLES = ("wardround verify cxr.yaml", "wardround verify s3://results/cxr-2024/ --no-source")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    add_json(parser)
    parser.add_argument(
        "--no-source",
        action="store_true",
        help="check the run alone, where its input cannot be reached: no row is computed again",
    )


def call(arguments: argparse.Namespace) -> int:
    """0 if all is as the manifest says, 5 if not, 4 if the run is not complete."""
    store = run_store(arguments.run)
    found = verify(store, with_source=not arguments.no_source)
    again = found.recheck
    if arguments.json:
        facts = {"run": store.uri, "verified": True, "objects": found.objects, "rows": found.rows, "bytes": found.bytes}
        facts["beside"] = found.beside
        show_json(facts | ({} if again is None else {"recomputed": again.checked, "source_gone": again.gone}))
        return 0
    show(
        columns(
            [
                ("verified", store.uri),
                ("objects", f"{found.objects:,}"),
                ("rows", f"{found.rows:,}"),
                ("bytes", size(found.bytes)),
                *([("beside it", f"{found.beside:,} objects that are not the run's")] if found.beside else []),
                *([] if again is None else [("recomputed", _recomputed(again))]),
            ]
        )
    )
    return 0


def _recomputed(again: Recheck) -> str:
    gone = f"; of {again.gone} more the source is missing or changed" if again.gone else ""
    return f"{counted(again.checked, 'row')} from the source{gone}"
