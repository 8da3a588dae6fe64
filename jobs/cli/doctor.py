"""`wardround doctor [SPEC]`: whether this machine, cluster and store are fit for a run."""

import argparse
from dataclasses import asdict

from jobs.cli.arguments import add_json
from jobs.console import paint, show, show_json
from jobs.doctor import examine
from jobs.spec_source import spec_from
from schemas.finding import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}

EXAMPLES = ("wardround doctor", "wardround doctor cxr.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spec", metavar="SPEC", nargs="?", help="also try its input, models, cluster and output")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 unless something failed; then the exit code that a run would end with."""
    spec = spec_from(arguments.spec) if arguments.spec else None
    code = 0
    for finding in examine(spec):
        code = code or finding.exit_code
        if arguments.json:
            facts = asdict(finding)
            del facts["exit_code"]
            show_json(facts)
        else:
            show(_line(finding))
    return code


def _line(finding: Finding) -> str:
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{paint(finding.state.ljust(4), _COLOURS[finding.state])}  {finding.what.ljust(11)}  {finding.says}{remedy}"
