"""What the rows of a plan of figures are: each outcome over all test rows, and over each group of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from workers.evaluation.columns import PART, TEST, TUNING, group_column, truth_column
from workers.evaluation.join_stage import EVALUATED, NOT_SCORED, state
from workers.evaluation.joining import bands
from workers.evaluation.settings import EvaluateInput, Group


@dataclass(frozen=True)
class Case:
    """One outcome over the rows of one value of a group; over all test rows where `group` is empty."""

    outcome: str
    group: str = ""
    value: str = ""

    @property
    def record_id(self) -> str:
        """`pneumonia`, or `pneumonia|sex=F`."""
        return f"{self.outcome}|{self.group}={self.value}" if self.group else self.outcome

    def rows(self, tested: pl.DataFrame) -> pl.DataFrame:
        """Those of some joined rows that belong to it."""
        return tested.filter(pl.col(group_column(self.group)) == self.value) if self.group else tested


def cases(source: EvaluateInput, groups: Iterable[Mapping[str, Any]]) -> list[Case]:
    """Every outcome over all rows first, then over each group's values in their order."""
    found = {(one["group"], one["value"]) for one in groups}
    by_group = [(name, value) for name, group in source.groups.items() for value in _values(name, group, found)]
    return [Case(outcome, *pair) for outcome in source.outcomes for pair in [("", ""), *by_group]]


def _values(name: str, group: Group, found: set[tuple[str, str]]) -> list[str]:
    """Those that occur: bands from the lowest on, others by name."""
    there = {value for one, value in found if one == name}
    return [band for band in bands(group.bands) if band in there] if group.bands else sorted(there)


def tested(rows: pl.DataFrame, outcome: str, source: EvaluateInput) -> pl.DataFrame:
    """The joined rows that are evaluated for an outcome."""
    return rows.filter((pl.col(PART) == TEST) & (state(outcome, source) == EVALUATED))


def tuned(rows: pl.DataFrame, outcome: str, source: EvaluateInput) -> pl.DataFrame:
    """The joined rows on which thresholds of an outcome are chosen."""
    return rows.filter((pl.col(PART) == TUNING) & (state(outcome, source) == EVALUATED))


def unscored(rows: pl.DataFrame, outcome: str, source: EvaluateInput) -> pl.DataFrame:
    """Test rows without a score of which the truth is known."""
    known = pl.col(truth_column(outcome)).is_not_null()
    return rows.filter((pl.col(PART) == TEST) & (state(outcome, source) == NOT_SCORED) & known)


def planned(records: pl.DataFrame) -> Iterator[Case]:
    """The cases of a plan."""
    for outcome, group, value in records.select("outcome", "group", "value").iter_rows():
        yield Case(outcome, group, value)
