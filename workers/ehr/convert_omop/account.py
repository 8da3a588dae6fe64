"""Which columns of a table no event has: each is converted, or named with a reason."""

import re
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from workers.ehr.convert_omop.columns import Columns
from workers.ehr.convert_omop.meanings import UNKNOWN
from workers.ehr.convert_omop.rules import OmopRules, Table
from workers.ehr.meds.parts import Element

NO_RULE = "no rule for it"
ANOTHER_CODING = "another coding of the same concept"
ANOTHER_TIME = "another time of it counts"
ANOTHER_VALUE = "another value of it counts"
NOT_CONVERTED = "only rows that give no event say it"

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_STRANGE = "?"
"""Stands for a name that no column of OMOP has: it may be anything, so it is not repeated."""


class Reasons:
    """Why a column is left out, and whether what it says is of the patient, by the rules of its table."""

    def __init__(self, table: Table, rules: OmopRules) -> None:
        self._left_out = {name: reason for reason, names in table.left_out.items() for name in names}
        self._beside = [(name, reason) for reason, names in rules.beside.items() for name in names]
        named = list(table.all_events())
        self._by_role: list[tuple[frozenset[str], str, bool]] = [
            (frozenset(name for event in named for name in event.of_code()), ANOTHER_CODING, False),
            (frozenset(name for event in named for name in event.of_time()), ANOTHER_TIME, False),
            (frozenset(name for event in named for name in event.of_value()), ANOTHER_VALUE, True),
        ]

    def of(self, name: str) -> tuple[str, bool]:
        """The reason, and whether a row is converted only in part because of it."""
        if name in self._left_out:
            return self._left_out[name], True
        for names, reason, is_part in self._by_role[:2]:
            if name in names:
                return reason, is_part
        for pattern, reason in self._beside:
            if name == pattern or (pattern.startswith("*") and name.endswith(pattern[1:])):
                return reason, False
        names, reason, is_part = self._by_role[2]
        return (reason, is_part) if name in names else (NO_RULE, True)


class ColumnAccount:
    """What became of each column of some rows, while their events are made."""

    def __init__(self, columns: Columns, reasons: Reasons) -> None:
        self._columns = columns
        self._reasons = reasons
        self._used: dict[str, pl.Series] = {}
        self._unknown: dict[str, pl.Series] = {}
        self.is_part = columns.mask(False)

    def use(self, name: str, rows: pl.Series) -> None:
        """A column went into an event of these rows."""
        known = self._used.get(name)
        self._used[name] = rows if known is None else known | rows

    def mean(self, name: str, meanings: pl.Series) -> None:
        """What a column of a qualifier was taken to mean: a word that no rule knows is named, although it is kept."""
        self._unknown[name] = (meanings == UNKNOWN).fill_null(False)

    def finish(self, converted: pl.Series, table: str) -> tuple[dict[Element, int], pl.Series]:
        """Rows by column, converted or left out, of `table`; and which columns of each row are left out."""
        counts: dict[Element, int] = {}
        lists: list[pl.Series] = []
        for name in self._columns.names():
            there = self._columns.there(name)
            used = there & converted & self._used.get(name, self._columns.mask(False))
            unknown = used & self._unknown.get(name, self._columns.mask(False))
            used = used & ~unknown
            shown = name if _NAME.fullmatch(name) else _STRANGE
            _count(counts, (table, shown, None), used)
            left = there & converted & ~used
            for rows, reason, is_part in self._parts(name, left, unknown):
                _count(counts, (table, shown, reason), rows)
                self.is_part = self.is_part | rows if is_part else self.is_part
            lists.append(pl.Series(shown, [shown] * len(left), dtype=pl.String).set(~left, None))
            if not used.any() and not left.any():
                _count(counts, (table, shown, NOT_CONVERTED), there)
        return counts, _listed(lists, self._columns)

    def _parts(self, name: str, left: pl.Series, unknown: pl.Series) -> Iterable[tuple[pl.Series, str, bool]]:
        yield unknown, UNKNOWN, True
        reason, is_part = self._reasons.of(name)
        yield left & ~unknown, reason, is_part


def unread(columns: Columns, table: str, reason: str) -> Mapping[Element, int]:
    """Every column of a table of which nothing is converted."""
    counts: dict[Element, int] = {}
    for name in columns.names():
        _count(counts, (table, name if _NAME.fullmatch(name) else _STRANGE, reason), columns.there(name))
    return counts


def _count(counts: dict[Element, int], key: Element, rows: pl.Series) -> None:
    found = int(rows.sum())
    if found:
        counts[key] = counts.get(key, 0) + found


def _listed(names: Sequence[pl.Series], columns: Columns) -> pl.Series:
    """The names that are there in each row, null where none is."""
    if not names:
        return columns.nulls(pl.List(pl.String))
    frame = pl.DataFrame([name.alias(f"{n}") for n, name in enumerate(names)])
    lists = pl.concat_list(pl.all()).list.drop_nulls().list.unique(maintain_order=True)
    return frame.select(pl.when(lists.list.len() > 0).then(lists)).to_series()
