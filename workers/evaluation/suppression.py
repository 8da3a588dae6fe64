"""Which figures of groups are not shown, since they would tell a small count: of groups, at operating points, of rows
without a score."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.evaluation.cases import Case, tested, unscored
from workers.evaluation.columns import group_column, score_column, truth_column
from workers.evaluation.figure import Figure
from workers.evaluation.settings import EvaluateInput
from workers.statistics import thresholds
from workers.statistics.confusion import confusion_at
from workers.statistics.disclosure import Table, hidden_groups
from workers.statistics.estimate import undefined
from workers.statistics.ranks import Ranks

_BASE, _UNSCORED, _RIGHT = "", "\0unscored", "\0right"
"""What is counted beside operating points, or classes, which bear their own names."""
_SIDES = ("true_positives", "false_negatives", "false_positives", "true_negatives")
_SAID = "\0said"
_COUNTED = "{level}\1{cell}"
_KEPT_AT_A_POINT = ("threshold", "rows", "auroc")
_OF_ALL_CLASSES = ("accuracy", "kappa", "linear_kappa", "quadratic_kappa", "macro_sensitivity", "macro_ppv", "macro_f1")
Points = Mapping[str, Mapping[str, float]]


@dataclass
class Suppression:
    """Counts of rows by every combination of groups, added up file by file once the operating points are known."""

    source: EvaluateInput
    points: Points
    _parts: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _hidden: dict[str, dict[str, set[Case]]] = field(default_factory=dict)

    @property
    def is_asked(self) -> bool:
        """Whether anything could be hidden."""
        return bool(self.source.suppress_below and self.source.groups)

    def add(self, rows: pl.DataFrame) -> None:
        """Joined rows of one file."""
        keys = [group_column(name) for name in self.source.groups]
        for outcome in self.source.outcomes:
            good = self._with_said(outcome, tested(rows, outcome, self.source))
            counted = good.group_by(keys).agg(self._counts(outcome))
            lost = unscored(rows, outcome, self.source).group_by(keys).agg(self._lost(outcome))
            both = pl.concat([counted, lost], how="diagonal_relaxed").group_by(keys).sum()
            self._parts.setdefault(outcome, []).append(both)

    def decide(self, cases: Sequence[Case]) -> None:
        """Once all rows were added: what of these cases is hidden."""
        keys = [group_column(name) for name in self.source.groups]
        for outcome, parts in self._parts.items():
            atoms = pl.concat(parts, how="diagonal_relaxed").group_by(keys).sum().sort(keys)
            of = [case for case in cases if case.outcome == outcome and case.group]
            self._hidden[outcome] = dict(self._levels(atoms, of))

    def hides(self, case: Case, level: str = _BASE) -> bool:
        """Whether a group is not shown at all, or not at this operating point."""
        return case in self._hidden.get(case.outcome, {}).get(level, ())

    def by_groups(self, cases: Sequence[Case], points: Mapping[str, float]) -> dict[tuple[Case, ...], dict[str, float]]:
        """The operating points by those of the cases that are shown at them, which may be fewer than are shown."""
        found: dict[tuple[Case, ...], dict[str, float]] = {tuple(cases): {}}
        for point, threshold in points.items():
            there = tuple(case for case in cases if not self.hides(case, point))
            found.setdefault(there, {})[point] = threshold
        return found

    def shown(self, case: Case, figures: Sequence[Figure], ranks: Ranks | None) -> list[Figure]:
        """The same figures, without a value where it would tell a small count."""
        if not case.group or not self.is_asked:
            return list(figures)
        if self.hides(case):
            return [Figure("rows", undefined(self._why))]
        lost = self._lost_points(case, ranks)
        return [self._without(figure) if self._tells(case, figure, lost) else figure for figure in figures]

    def _tells(self, case: Case, figure: Figure, lost: set[tuple[str, str]]) -> bool:
        if figure.point and self.hides(case, figure.point):
            return figure.name not in _KEPT_AT_A_POINT
        if figure.name.endswith("_bounds"):
            return self.hides(case, _UNSCORED)
        if figure.name in _OF_ALL_CLASSES and not figure.point and self.source.outcomes[case.outcome].task == "classes":
            levels = self._hidden.get(case.outcome, {})
            return any(case in cases for cases in levels.values())
        return (figure.name, figure.point) in lost

    def _without(self, figure: Figure) -> Figure:
        return Figure(figure.name, undefined(self._why), figure.point)

    @property
    def _why(self) -> str:
        return f"not shown: a count below {self.source.suppress_below}, or one that tells it"

    def _lost_points(self, case: Case, ranks: Ranks | None) -> set[tuple[str, str]]:
        """What the ranking reaches at fixed rates, where that is a small count. Thresholds are the group's own: counts
        of other groups do not add up with them."""
        found: set[tuple[str, str]] = set()
        if ranks is None or ranks.lacks:
            return found
        least = self.source.suppress_below
        for rate in self.source.fixed_rates:
            for name, other, rule in (
                ("specificity", "sensitivity", thresholds.at_sensitivity),
                ("sensitivity", "specificity", thresholds.at_specificity),
            ):
                cells = confusion_at(ranks, rule(ranks, rate))
                if any(0 < getattr(cells, side) < least for side in _SIDES):
                    found.add((name, f"{other} {rate:g}"))
        return found

    def _counts(self, outcome: str) -> Iterator[pl.Expr]:
        task, truth = self.source.outcomes[outcome].task, pl.col(truth_column(outcome))
        if task == "binary":
            yield from _sum(_BASE, {"positives": truth == 1, "negatives": truth == 0})
            for point, threshold in self.points[outcome].items():
                yield from _sum(point, _four(truth == 1, pl.col(score_column(outcome)) >= threshold))
        elif task == "classes":
            yield from self._of_classes(outcome)
        else:
            yield from _sum(_BASE, {"rows": truth.is_not_null()})

    def _of_classes(self, outcome: str) -> Iterator[pl.Expr]:
        names, truth, said = list(self.source.outcomes[outcome].scores), pl.col(truth_column(outcome)), pl.col(_SAID)
        yield from _sum(_BASE, {name: truth == number for number, name in enumerate(names)})
        for number, name in enumerate(names):
            yield from _sum(name, _four(truth == number, said == number))
        yield from _sum(_RIGHT, {"right": truth == said, "wrong": truth != said})

    def _with_said(self, outcome: str, rows: pl.DataFrame) -> pl.DataFrame:
        """With the class that has the largest score, as figures take it."""
        asked = self.source.outcomes[outcome]
        if asked.task != "classes":
            return rows
        scores = rows.select(score_column(outcome, name) for name in asked.scores).to_numpy()
        said = scores.argmax(axis=1) if rows.height else np.zeros(0, np.int64)
        return rows.with_columns(pl.Series(_SAID, said, pl.Float64))

    def _lost(self, outcome: str) -> Iterator[pl.Expr]:
        truth = pl.col(truth_column(outcome))
        if self.source.outcomes[outcome].task == "binary":
            yield from _sum(_UNSCORED, {"positives": truth == 1, "negatives": truth == 0})

    def _levels(self, atoms: pl.DataFrame, cases: Sequence[Case]) -> Iterator[tuple[str, set[Case]]]:
        names = list(self.source.groups)
        members = np.array(
            [(atoms[group_column(case.group)] == case.value).fill_null(value=False).to_numpy() for case in cases],
            np.bool_,
        ).reshape(len(cases), atoms.height)
        partition = np.array([names.index(case.group) for case in cases], np.int64)
        columns = [column for column in atoms.columns if "\1" in column]
        already: set[int] = set()
        for level in dict.fromkeys(column.split("\1")[0] for column in columns):
            cells = [column for column in columns if column.split("\1")[0] == level]
            counts = atoms.select(pl.col(cells).cast(pl.Float64).fill_null(0)).to_numpy()
            table = Table(members, partition, counts)
            hidden = hidden_groups(table, self.source.suppress_below, sorted(already), _known(counts, cells))
            already = already or (hidden if level == _BASE else set())
            yield level, {cases[place] for place in hidden}


def _sum(level: str, cells: Mapping[str, pl.Expr]) -> Iterator[pl.Expr]:
    for name, rows in cells.items():
        yield rows.cast(pl.Int64).sum().alias(_COUNTED.format(level=level, cell=name))


def _four(true: pl.Expr, said: pl.Expr) -> dict[str, pl.Expr]:
    return dict(zip(_SIDES, (true & said, true & ~said, ~true & said, ~true & ~said), strict=True))


def _known(counts: NDArray[np.float64], cells: Sequence[str]) -> NDArray[np.bool_] | None:
    """Counts that are known with their class, since all or none of it are flagged at the operating point."""
    if not cells[0].endswith(f"\1{_SIDES[0]}"):
        return None
    empty = counts == 0
    return np.repeat(np.stack([empty[:, :2].any(axis=1), empty[:, 2:].any(axis=1)], axis=1), 2, axis=1)
