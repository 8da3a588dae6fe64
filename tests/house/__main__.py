"""Print the structure of a checkout, and end with 1 where a rule of the house is broken."""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from tests.house import imports
from tests.house.copies import Copy, copies

_HERE = Path(__file__).resolve()
REASONS = _HERE.with_name("copies.txt")
"""Copies that stay, a line each: `LEFT ~ RIGHT: why`; `*` stands for any part of a name."""


def casts(root: Path) -> int:
    """Calls of `typing.cast` in the product."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in imports.sources(root))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return sum(isinstance(call.func, ast.Name) and call.func.id == "cast" for call in calls)


def reasons() -> dict[str, str]:
    """Why each copy that stays does so, by its pair."""
    lines = REASONS.read_text(encoding="utf-8").splitlines() if REASONS.exists() else []
    pairs = (line.partition(": ") for line in lines if line.strip() and not line.startswith("#"))
    return {pair: why for pair, _, why in pairs}


def why(copy: Copy, told: Mapping[str, str]) -> str | None:
    """The reason why a copy stays, if one is given."""
    return next((reason for pair, reason in told.items() if fnmatch(copy.pair, pair)), None)


def faults(root: Path, found: list[Copy]) -> list[str]:
    """A line for each broken rule."""
    modules, packages = imports.graph(root)
    rooms = imports.arrows(modules, packages)
    told = reasons()
    unused = [pair for pair in told if not any(fnmatch(copy.pair, pair) for copy in found)]
    return [
        *(f"upward: {a} imports {b}" for a, b in imports.upward(modules)),
        *(f"between wings: {a} imports {b}" for a, b in imports.between_wings(modules)),
        *(f"core to wing: {a} imports {b}" for a, b in imports.core_to_wing(modules)),
        *(f"circle of modules: {', '.join(group)}" for group in imports.circles(modules)),
        *(f"circle of rooms: {', '.join(group)}" for group in imports.circles(rooms)),
        *(f"copy without a reason: {c.pair} ({c.lines} lines at {c.at})" for c in found if why(c, told) is None),
        *(f"a reason for a copy that is not there: {pair}" for pair in unused),
    ]


def show(root: Path, found: list[Copy]) -> None:
    """Print the figures."""
    modules, packages = imports.graph(root)
    rooms = imports.arrows(modules, packages)
    sizes = [path.read_text(encoding="utf-8").count("\n") for path in imports.sources(root)]
    exact = [copy for copy in found if copy.exact]
    print(f"{len(rooms)} rooms, {sum(map(len, rooms.values()))} arrows between them")
    print(
        f"{len(imports.upward(modules))} upward imports, {len(imports.between_wings(modules))} between wings, "
        f"{len(imports.core_to_wing(modules))} from the core to a wing"
    )
    print(f"{len(imports.circles(modules))} circles of modules, {len(imports.circles(rooms))} of rooms")
    print(f"{len(found)} copies of six lines and more between files, {len(exact)} of them to the letter")
    print(f"{len(sizes)} files, {sum(sizes)} lines, median {statistics.median(sizes):g}, longest {max(sizes)}")
    print(f"{casts(root)} casts")


def main() -> int:
    """Exit code for `make check`."""
    parser = argparse.ArgumentParser(prog="python -m tests.house", description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=_HERE.parents[2], help="checkout to measure")
    parser.add_argument("--copies", action="store_true", help="list copies, with the reason why each stays")
    options = parser.parse_args()
    found = copies(options.root)
    show(options.root, found)
    if options.copies:
        told = reasons()
        for copy in found:
            print(f"{copy.pair}: {copy.lines} lines at {copy.at}; {why(copy, told) or 'no reason given'}")
    broken = faults(options.root, found)
    for fault in broken:
        print(fault, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
