"""Every figure of a binary outcome in one group of rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from workers.evaluation.columns import SUBJECT, score_column, truth_column
from workers.evaluation.figure import Figure, count
from workers.evaluation.paired import PairedSums
from workers.evaluation.settings import EvaluateInput, Outcome
from workers.evaluation.tally import Table, Tally
from workers.statistics import calibration, confusion, discrimination, thresholds
from workers.statistics.bootstrap import bootstrap, bootstrap_all
from workers.statistics.confusion import Confusion, confusion_at
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.net_benefit import net_benefit
from workers.statistics.ranks import Floats, Ranks, rank

_DRAWN_ROWS = 50_000
"""Rows up to which figures without a formula for their interval get one by resampling."""
_WITH_METHOD = (confusion.sensitivity, confusion.specificity, confusion.ppv, confusion.npv, confusion.accuracy)


@dataclass(frozen=True)
class Unscored:
    """Test rows whose truth is known and that have no score."""

    positives: int = 0
    negatives: int = 0


class BinarySums:
    """Scores and truths of a binary outcome, and those of the run that is compared."""

    def __init__(self, outcome: str, source: EvaluateInput) -> None:
        self._name = outcome
        self._source = source
        self._tally = Tally(source.exact_rows)
        self._unscored = Unscored()
        self._paired = None if source.compare is None else PairedSums(outcome, source)

    def add(self, evaluated: pl.DataFrame, unscored: pl.DataFrame) -> None:
        """Add these rows."""
        self._tally.add(scored(evaluated, self._name))
        if self._paired is not None:
            self._paired.add(evaluated)
        positives = int((unscored[truth_column(self._name)] == 1).sum())
        before = self._unscored
        negatives = before.negatives + unscored.height - positives
        self._unscored = Unscored(before.positives + positives, negatives)

    def figures(self, points: Mapping[str, float]) -> list[Figure]:
        """All of them."""
        outcome = self._source.outcomes[self._name]
        found = Binary(self._tally, outcome, self._source, points, self._unscored).figures()
        return found if self._paired is None else [*found, *self._paired.figures(points)]

    @property
    def tally(self) -> Tally:
        """Scores and truths, to be held against those of other groups."""
        return self._tally

    @property
    def compared(self) -> int | None:
        """Rows that the other run scored as well; None where none is compared."""
        return None if self._paired is None else self._paired.rows

    def ranks(self) -> Ranks:
        """The ranks of all rows."""
        return self._tally.ranks()


def scored(rows: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """Joined rows as a tally takes them."""
    columns = (pl.col(score_column(outcome)).alias("score"), pl.col(truth_column(outcome)).alias("truth"))
    return rows.select(*columns, SUBJECT)


@dataclass(frozen=True)
class Binary:
    """One outcome in one group: `points` are its thresholds by name."""

    tally: Tally
    outcome: Outcome
    source: EvaluateInput
    points: Mapping[str, float]
    unscored: Unscored

    def figures(self) -> list[Figure]:
        """All of them: counts, discrimination, fixed rates, operating points, calibration."""
        ranks = self.tally.ranks()
        clustered = self._clustered()
        found = [count("rows", ranks.rows), count("positives", ranks.total_positives)]
        found.append(count("negatives", ranks.total_negatives))
        found.append(Figure("prevalence", confusion.prevalence(confusion_at(ranks, np.inf), self.source.interval)))
        found += self._discrimination(ranks, clustered)
        found += list(_at_fixed_rates(ranks, self.source))
        for name, threshold in self.points.items():
            found += self._at(name, threshold, ranks, clustered)
        if self.outcome.probability:
            found += calibration_figures(ranks, self.source.level)
        return found

    def _clustered(self) -> Table | None:
        """The rows, where persons have several and are few enough to be drawn."""
        if not self.tally.is_exact or self.tally.rows > _DRAWN_ROWS:
            return None
        table = self.tally.table()
        return table if table.subjects_repeat else None

    def _discrimination(self, ranks: Ranks, clustered: Table | None) -> Iterator[Figure]:
        area, precision = discrimination.auroc(ranks, self.source.level), discrimination.average_precision(ranks)
        drawn = clustered
        if drawn is None and self.tally.is_exact and 0 < self.tally.rows <= _DRAWN_ROWS:
            drawn = self.tally.table()
        if clustered is not None and area.value is not None:
            area = self._drawn(clustered, lambda one: discrimination.auroc(one).value)
        if drawn is not None and precision.value is not None:
            precision = self._drawn(drawn, lambda one: discrimination.average_precision(one).value)
        if error := discrimination.tie_error(ranks):
            area = replace(area, note=f"from binned scores: within {error:.1e}")
        yield Figure("auroc", area)
        yield Figure("average_precision", precision)

    def _drawn(self, table: Table, figure: Callable[[Ranks], float | None]) -> Estimate:
        def of(weights: Floats) -> float:
            value = figure(rank(table.scores, table.truths.astype(np.int64), weights))
            return np.nan if value is None else value

        return bootstrap(table.subjects, of, draws=self.source.draws, level=self.source.level)

    def _at(self, name: str, threshold: float, ranks: Ranks, clustered: Table | None) -> Iterator[Figure]:
        counts = confusion_at(ranks, threshold)
        yield Figure("threshold", Estimate(threshold), name)
        for field in ("true_positives", "false_positives", "false_negatives", "true_negatives"):
            yield count(field, getattr(counts, field), name)
        found = {key: self._proportion(figure, counts) for key, figure in confusion.FIGURES.items()}
        if clustered is not None and not ranks.lacks:
            found |= self._drawn_at(threshold, clustered, found)
        yield from (Figure(key, estimate, name) for key, estimate in found.items())
        yield from _in_practice(name, threshold, counts, self.source, self.outcome)
        yield from _bounds(name, counts, self.unscored)

    def _proportion(self, figure: Callable[..., Estimate], counts: Confusion) -> Estimate:
        if figure in _WITH_METHOD:
            return figure(counts, self.source.interval, self.source.level)
        return figure(counts)

    def _drawn_at(self, threshold: float, table: Table, found: Mapping[str, Estimate]) -> dict[str, Estimate]:
        """The same figures with intervals over persons."""
        named = [name for name, estimate in found.items() if estimate.value is not None]
        said, true = table.scores >= threshold, table.truths == 1

        def values(weights: Floats) -> list[float]:
            cells = (float(weights[cell].sum()) for cell in (said & true, said & ~true, ~said & true, ~said & ~true))
            counts = Confusion(*cells)
            drawn = (confusion.FIGURES[name](counts).value for name in named)
            return [np.nan if value is None else value for value in drawn]

        estimates = bootstrap_all(table.subjects, values, draws=self.source.draws, level=self.source.level)
        return dict(zip(named, estimates, strict=True))


def calibration_figures(ranks: Ranks, level: float, point: str = "") -> list[Figure]:
    """How often probabilities come true, overall and by their size."""
    if ranks.rows and (ranks.scores[0] < 0 or ranks.scores[-1] > 1):
        return [Figure("brier", undefined("scores outside of 0 to 1 are no probabilities: say probability: false"))]
    found = {
        "brier": calibration.brier(ranks, level),
        "observed_by_expected": calibration.observed_by_expected(ranks, level),
        "calibration_intercept": calibration.intercept(ranks, level),
        "calibration_slope": calibration.slope(ranks, level),
        "integrated_calibration_index": calibration.integrated_calibration_index(ranks),
    }
    return [Figure(name, estimate, point) for name, estimate in found.items()]


def _at_fixed_rates(ranks: Ranks, source: EvaluateInput) -> Iterator[Figure]:
    """What these very rows reach: a description of the ranking, and no operating point."""
    for rate in source.fixed_rates:
        for name, rule, figure in (
            ("specificity", thresholds.at_sensitivity, confusion.specificity),
            ("sensitivity", thresholds.at_specificity, confusion.sensitivity),
        ):
            other = "sensitivity" if name == "specificity" else "specificity"
            at = undefined(ranks.lacks) if ranks.lacks else figure(confusion_at(ranks, rule(ranks, rate)))
            yield Figure(name, at, f"{other} {rate:g}")


def _in_practice(
    name: str, threshold: float, counts: Confusion, source: EvaluateInput, outcome: Outcome
) -> Iterator[Figure]:
    """In 1,000 rows, at other prevalences, and what acting on it is worth."""
    if counts.rows:
        for key in ("true_positives", "false_positives", "false_negatives"):
            yield Figure(f"{key}_per_1000", Estimate(getattr(counts, key) * 1000 / counts.rows), name)
        if outcome.probability and 0 <= threshold < 1:
            yield Figure("net_benefit", Estimate(net_benefit(counts, threshold)), name)
    for share in source.prevalence:
        try:
            values = [Estimate(value) for value in confusion.predictive_values_at(counts, share)]
        except ValueError as error:
            values = [undefined(str(error))] * 2
        for key, estimate in zip(("ppv", "npv"), values, strict=True):
            yield Figure(f"{key}_at_prevalence_{share:g}", estimate, name)


def _bounds(name: str, counts: Confusion, unscored: Unscored) -> Iterator[Figure]:
    """What sensitivity and specificity would be if all rows without a score were wrong, and if all were right."""
    for key, right, of, missing in (
        ("sensitivity", counts.true_positives, counts.positives, unscored.positives),
        ("specificity", counts.true_negatives, counts.negatives, unscored.negatives),
    ):
        if missing and of:
            note = f"{missing} rows without a score: all wrong, or all right"
            value = right / of
            yield Figure(
                f"{key}_bounds", Estimate(value, right / (of + missing), (right + missing) / (of + missing), note), name
            )
