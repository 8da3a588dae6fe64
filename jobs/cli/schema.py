"""`wardround schema`: the JSON Schema of a spec, for editors and checkers."""

from __future__ import annotations

import argparse
import json

from jobs.cli.console import show
from jobs.schema import spec_schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def call(arguments: argparse.Namespace) -> int:
    """Print it."""
    show(json.dumps(spec_schema(), indent=1, ensure_ascii=False))
    return 0
