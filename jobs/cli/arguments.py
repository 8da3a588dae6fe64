"""Arguments that several commands have."""

import argparse


def add_run(parser: argparse.ArgumentParser) -> None:
    """The argument that names a run."""
    parser.add_argument(
        "run", metavar="RUN", help="a run directory (s3://bucket/prefix or a path), or the spec (.yaml) that it is of"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The switch that makes stdout readable for scripts."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
