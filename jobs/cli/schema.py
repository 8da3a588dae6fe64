"""`wardround schema`: the JSON Schema of a spec, for editors and checkers."""

import argparse
import json

from jobs.console import say, show
from jobs.schema import spec_schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def call(arguments: argparse.Namespace) -> int:
    """Print it."""
    schema = spec_schema(lambda error: say(f"left out: {error}"))
    show(json.dumps(schema, indent=1, ensure_ascii=False))
    return 0
