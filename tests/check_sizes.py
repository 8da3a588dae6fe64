"""Hold every source file to 400 lines and every function to 60, and print the medians."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("jobs", "workers", "cluster", "schemas", "tests")
FILE_LINES = 400
FUNCTION_LINES = 60


def functions(path: Path, text: str) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function, its decorators and docstring included."""
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, (node.end_lineno or first) - first + 1


def measure(root: Path) -> tuple[dict[str, list[int]], list[str]]:
    """Lines of all files and functions, and a line for each that is too long."""
    lines: dict[str, list[int]] = {"file": [], "function": []}
    faults = []
    for path in sorted([*root.glob("*.py"), *(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))]):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root)
        lines["file"].append(text.count("\n"))
        if lines["file"][-1] > FILE_LINES:
            faults.append(f"{name}: {lines['file'][-1]} lines, more than {FILE_LINES}")
        for function, length in functions(path, text):
            lines["function"].append(length)
            if length > FUNCTION_LINES:
                faults.append(f"{name}: {function} has {length} lines, more than {FUNCTION_LINES}")
    return lines, faults


def main() -> int:
    """Exit code for `make check`."""
    lines, faults = measure(Path(__file__).resolve().parent.parent)
    for kind, found in lines.items():
        print(f"{len(found)} {kind}s, median {statistics.median(found):g} lines, longest {max(found)}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
