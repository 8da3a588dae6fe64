"""What people and scripts see: results on stdout, messages on stderr, never mixed."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

_COLOURS = {"green": "32", "yellow": "33", "red": "31", "bold": "1"}


def say(message: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"wardround: {message}\n")
    sys.stderr.flush()


def show(text: str) -> None:
    """A result on stdout."""
    sys.stdout.write(text + "\n")


def show_json(value: Any) -> None:
    """A result on stdout as one line of JSON."""
    show(json.dumps(value, ensure_ascii=False, default=str))


def colours(stream: TextIO) -> bool:
    """Whether a person with colours is at the other end: a terminal, and NO_COLOR (https://no-color.org) unset."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """`text` in that colour where stdout shows colours."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colours(sys.stdout) else text


def _on_one_line(cell: str) -> str:
    """Names of files may hold line ends, and sequences that command a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cell)


def columns(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Rows as aligned text, two spaces apart; columns named in `right` are set flush right."""
    cells = [[_on_one_line(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    flush = set(right)
    lines = (
        "  ".join(cell.rjust(width) if i in flush else cell.ljust(width) for i, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in cells)
    )
    return "\n".join(line.rstrip() for line in lines)
