"""`wardround report RUN`: make report.html again."""

import argparse

from jobs.cli.locate import add_json, add_run, locate
from jobs.console import show, show_json
from jobs.report import write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run(parser)
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Write the page; 4 if the run is not complete."""
    uri = write_report(locate(arguments.run).store)
    if arguments.json:
        show_json({"report": uri})
    else:
        show(uri)
    return 0
