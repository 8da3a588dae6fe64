"""Hold docstrings to say what the thing is: none begins with "Of", none says only where else to look."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("jobs", "workers", "cluster", "schemas", "tests")
EMPTY = re.compile(r"Of\s|See\s[^.]*(\.\w[^.]*)*\.?\s*$")
"""A dot inside a name (`workers.contract.Model`) is no end of a sentence: what follows a real one says something."""


def empty_words(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring, those of attributes included, that leaves open what the thing is."""
    for node in ast.walk(ast.parse(text)):
        # A string that stands alone is a docstring wherever it is: those of attributes have no node of their own.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            words = node.value.value
            if EMPTY.match(words):
                yield node.lineno, words.strip().splitlines()[0]


def faults(root: Path) -> list[str]:
    """A line for each such docstring of the project."""
    paths = sorted([*root.glob("*.py"), *(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))])
    return [
        f"{path.relative_to(root)}:{line}: say what it is, not {words!r}"
        for path in paths
        for line, words in empty_words(path.read_text(encoding="utf-8"))
    ]


def main() -> int:
    """Exit code for `make check`."""
    found = faults(Path(__file__).resolve().parent.parent)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
