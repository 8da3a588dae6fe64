"""Arguments that several commands have."""

import argparse
from collections.abc import Callable, Sequence


def examples(lines: Sequence[str]) -> str:
    """The end of a help page."""
    return "\n".join(["example:" if len(lines) == 1 else "examples:", *(f"  {line}" for line in lines)])


def add_run(parser: argparse.ArgumentParser) -> None:
    """The argument that names a run."""
    parser.add_argument(
        "run", metavar="RUN", help="a run directory (s3://bucket/prefix or a path), or the spec (.yaml) that it is of"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The switch that makes stdout readable for scripts."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def at_least(least: int) -> Callable[[str], int]:
    """A type of an argument: a whole number of at least so many."""

    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
        return number

    return whole
