"""Runs of six and more lines that stand in two files, to the letter or but for names, strings and numbers."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.house.imports import sources

LENGTH = 6
COMMON = 8
"""A run of renamed lines that stands in more places than this is a pattern of the language, and not listed."""


@dataclass(frozen=True, order=True)
class Copy:
    """Lines `first` to `last` of two files, the longest run that they share. `exact`: to the letter."""

    left: str
    right: str
    lines: int
    at: tuple[int, int]
    exact: bool

    @property
    def pair(self) -> str:
        """What a list of reasons names it by."""
        return f"{self.left} ~ {self.right}"


def copies(root: Path) -> list[Copy]:
    """The longest shared run of each pair of files, exact ones first."""
    files = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sources(root)}
    exact = _shared({name: _lines(text) for name, text in files.items()}, exact=True)
    told = {copy.pair for copy in exact}
    renamed = _shared({name: _shapes(text) for name, text in files.items()}, exact=False)
    return [*exact, *(copy for copy in renamed if copy.pair not in told)]


def _lines(text: str) -> list[tuple[int, str]]:
    """Lines that say something: no blank ones, comments, imports or lone brackets."""
    numbered = ((number, " ".join(line.split())) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in numbered if _counts(line)]


def _counts(line: str) -> bool:
    return bool(re.search(r"\w", line)) and not re.match(r"(#|from \S+ import|import |\"\"\"$)", line)


def _shapes(text: str) -> list[tuple[int, str]]:
    """Lines with names, strings and numbers replaced, docstrings left out; thin lines do not count."""
    shapes: dict[int, list[str]] = defaultdict(list)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            shapes[token.start[0]].append(token.string if keyword.iskeyword(token.string) else "n")
        elif token.type in (tokenize.STRING, tokenize.NUMBER):
            shapes[token.start[0]].append("v")
        elif token.type == tokenize.OP:
            shapes[token.start[0]].append(token.string)
    plain = dict(_lines(text))
    says = ((number, shape) for number, shape in sorted(shapes.items()) if number in plain and _says(shape))
    return [(number, " ".join(shape)) for number, shape in says]


def _shared(files: Mapping[str, list[tuple[int, str]]], exact: bool) -> list[Copy]:
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, lines in files.items():
        for start in range(len(lines) - LENGTH + 1):
            places[tuple(line for _, line in lines[start : start + LENGTH])].append((name, start))
    found: dict[tuple[str, str], Copy] = {}
    for where in places.values():
        if len(where) > COMMON and not exact:
            continue
        for (left, i), (right, j) in ((a, b) for a in where for b in where if a[0] < b[0]):
            _keep(found, left, right, _run(files[left], i, files[right], j, exact))
    return sorted(found.values())


def _run(left: list[tuple[int, str]], i: int, right: list[tuple[int, str]], j: int, exact: bool) -> Copy:
    size = LENGTH
    while i + size < len(left) and j + size < len(right) and left[i + size][1] == right[j + size][1]:
        size += 1
    return Copy("", "", size, (left[i][0], right[j][0]), exact)


def _keep(found: dict[tuple[str, str], Copy], left: str, right: str, run: Copy) -> None:
    known = found.get((left, right))
    if known is None or run.lines > known.lines:
        found[left, right] = Copy(left, right, run.lines, run.at, run.exact)


def _says(shape: list[str]) -> bool:
    """Whether a line does more than name one thing: tables of texts and lists of fields are alike everywhere."""
    return shape.count("n") > 1 and len(shape) > 4 and shape[:2] != ["n", ":"]
