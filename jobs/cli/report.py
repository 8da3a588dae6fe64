"""`wardround report RUN`: make report.html again."""

import argparse

from jobs.cli.arguments import add_json, add_run
from jobs.console import show, show_json
from jobs.report_file import write_report
from jobs.spec_source import is_spec, run_store, spec_from

EXAMPLES = ("wardround report s3://results/cxr-2024/", "wardround report evaluation.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Write the page; 4 if the run is not complete."""
    spec = spec_from(arguments.run) if is_spec(arguments.run) else None
    uri = write_report(run_store(spec or arguments.run), spec)
    if arguments.json:
        show_json({"report": uri})
    else:
        show(uri)
    return 0
