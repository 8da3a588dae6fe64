"""`wardround run SPEC`: score every record, or go on where an earlier command stopped."""

import argparse
from functools import partial

from jobs.cli.arguments import add_json
from jobs.cli.summary import as_json, as_table, warnings
from jobs.console import say, show, show_json
from jobs.progress import MODES
from jobs.signals import StopRequests
from jobs.spec_source import spec_from
from jobs.watchdog import Watch, can_watch, watched
from jobs.watched import run
from schemas.loading import validate
from schemas.spec import Limits, Spec
from schemas.without_pandas import keep_pandas_out

EXAMPLES = ("wardround run cxr.yaml",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "spec", metavar="SPEC", help="the YAML file (a path or a uri) that says what to read, which models, where to"
    )
    parser.add_argument(
        "--stop-after", metavar="TIME", help="of a training: end each fit after so long (90s, 2h) with the best so far"
    )
    parser.add_argument("--progress", choices=MODES, default="auto", help="auto: rich on a terminal, else plain lines")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 if the run is complete."""
    keep_pandas_out()
    spec = spec_from(arguments.spec)
    if arguments.stop_after is not None:
        spec = _limited(spec, arguments.stop_after)
    work = partial(_run, arguments, spec)
    if spec.compute.pool == "serial" and arguments.own_process and can_watch():
        return watched(work, spec.limits.record_timeout)
    return work(Watch())


def _limited(spec: Spec, time: str) -> Spec:
    """The same with `limits.fit_time`. Raises SpecError for what is no time."""
    limits = validate(Limits, {**spec.limits.model_dump(), "fit_time": time}, "--stop-after")
    return spec.model_copy(update={"limits": limits})


def _run(arguments: argparse.Namespace, spec: Spec, watch: Watch) -> int:
    with StopRequests(page=watch.page).installed() as stop:
        outcome = run(spec, stop, arguments.progress, watch)
    if arguments.json:
        show_json(as_json(outcome))
    else:
        show(as_table(outcome))
    for warning in warnings(outcome):
        say(f"warning: {warning}")
    return 0
