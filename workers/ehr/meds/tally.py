"""What became of all records of a conversion, counted: by kind and reason, and by element."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from workers.ehr.meds.parts import Element, Part

TALLY = "list<struct<kind: string, outcome: string, reason: string, records: int64, events: int64>>"
ELEMENTS = "list<struct<kind: string, element: string, reason: string, records: int64>>"
CLOCK = "list<struct<zone: string, events: int64>>"
"""Types of the columns that hold such counts."""

_MOST = 5_000
"""Elements that are counted apart in a chunk: a source that names each of its own anew fills no memory."""
_OTHERS = "others"


class Tally:
    """Counts of the parts of a chunk."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []
        self._elements: dict[Element, int] = {}

    def add(self, part: Part) -> None:
        """Count one more part."""
        self._frames.append(_counted(part.outcomes.with_columns(records=pl.lit(1), events="n_events")))
        for (kind, element, reason), count in part.elements.items():
            key = (kind, element, reason)
            if key not in self._elements and len(self._elements) >= _MOST:
                key = (kind, _OTHERS, reason)
            self._elements[key] = self._elements.get(key, 0) + count

    def records(self) -> list[dict[str, Any]]:
        """Records and events by kind, outcome and reason, sorted."""
        return _counted(pl.concat(self._frames)).to_dicts() if self._frames else []

    def elements(self) -> list[dict[str, Any]]:
        """Records by kind, element and reason, sorted."""
        return _element_rows(self._elements)


def add_tallies(tallies: Iterable[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The sum of several lists of `Tally.records`."""
    rows = [row for tally in tallies for row in tally]
    return _counted(pl.DataFrame(rows)).to_dicts() if rows else []


def add_elements(tallies: Iterable[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The sum of several lists of `Tally.elements`."""
    found: dict[Element, int] = {}
    for row in (row for tally in tallies for row in tally):
        key = (row["kind"], row["element"], row["reason"])
        found[key] = found.get(key, 0) + row["records"]
    return _element_rows(found)


def add_clocks(tallies: Iterable[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The sum of several counts of events by where their zone is from."""
    found: dict[str, int] = {}
    for row in (row for tally in tallies for row in tally):
        found[row["zone"]] = found.get(row["zone"], 0) + row["events"]
    return [{"zone": zone, "events": found[zone]} for zone in sorted(found)]


def _element_rows(counts: Mapping[Element, int]) -> list[dict[str, Any]]:
    ordered = sorted(counts, key=lambda key: (key[0], key[2] is not None, key[1], key[2] or ""))
    names = ("kind", "element", "reason")
    return [dict(zip(names, key, strict=True)) | {"records": counts[key]} for key in ordered]


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    by = ["kind", "outcome", "reason"]
    typed = rows.with_columns(pl.col(*by).cast(pl.String))
    return typed.group_by(by).agg(pl.col("records", "events").cast(pl.Int64).sum()).sort(by, nulls_last=False)
