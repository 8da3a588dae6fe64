"""`wardround schema`: every key of a spec, as a JSON Schema for editors or as a page for people."""

import argparse
import json

from jobs.console import say, show
from jobs.reference import reference
from jobs.schema import spec_schema

EXAMPLES = ("wardround schema > spec.schema.json", "wardround schema --markdown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--markdown", action="store_true", help="the reference of every key for people, as in docs/settings.md"
    )


def call(arguments: argparse.Namespace) -> int:
    """Print it."""
    if arguments.markdown:
        show(reference(lambda error: say(f"left out: {error}")).rstrip("\n"))
        return 0
    schema = spec_schema(lambda error: say(f"left out: {error}"))
    show(json.dumps(schema, indent=1, ensure_ascii=False))
    return 0
