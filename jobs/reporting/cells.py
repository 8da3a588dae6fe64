"""Values as the report shows them, in tables whose rows are cards on a narrow screen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.reporting.bars import Bars

MOST_ROWS = 1000
"""Rows of a table that the page shows."""


@dataclass(frozen=True)
class Cell:
    """One value as text. `is_number`: set flush right; `bars`: drawn below it; `anchor`: a part of the page that it
    leads to."""

    text: str
    is_number: bool = False
    bars: Bars | None = None
    anchor: str = ""


@dataclass(frozen=True)
class Grid:
    """A table with its names of columns. `caption` is read out before it, `notes` stand below it."""

    caption: str
    names: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = field(default=())


def grid_of(caption: str, rows: Sequence[Mapping[str, Any]]) -> Grid:
    """A table of the manifest: its columns are the keys of the first row."""
    names = list(rows[0])
    shown = [[cell_of(row.get(name)) for name in names] for row in rows[:MOST_ROWS]]
    more = [f"{len(rows) - MOST_ROWS:,} more rows in manifest.json"] if len(rows) > MOST_ROWS else []
    return Grid(caption[:1].upper() + caption[1:], names, shown, more)


def cell_of(value: Any) -> Cell:
    """Integers with separators, other numbers to four digits, nothing for null."""
    if value is None:
        return Cell("")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, int):
        return count_cell(value)
    if isinstance(value, float):
        return Cell(number(value), is_number=True)
    return Cell(str(value))


def count_cell(count: int) -> Cell:
    """A count of records."""
    return Cell(f"{count:,}", is_number=True)


def number(value: float | None) -> str:
    """To four digits; a dash for what is not known."""
    return "-" if value is None else f"{value:,.4g}"


def share(part: int, whole: int) -> str:
    """As percent, so that what is not all does not read as all, nor a few as none."""
    percent = 100 * part / whole if whole else 0.0
    if part and percent < 0.1:
        return "< 0.1 %"
    if part < whole and percent > 99.9:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def shares(counts: Iterable[tuple[str, int]]) -> str:
    """Counts by name on one line."""
    return ", ".join(f"{name} {count:,}" for name, count in counts)
