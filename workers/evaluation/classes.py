"""Every figure of an outcome of several classes in one group of rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from workers.evaluation.columns import SUBJECT, score_column, truth_column
from workers.evaluation.figure import Figure, count
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.tally import Tally
from workers.statistics import classes, confusion, discrimination
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.proportions import proportion
from workers.statistics.ranks import Floats

_OF_A_CLASS = ("sensitivity", "specificity", "ppv", "npv", "f1")


class ClassSums:
    """The table of true by predicted class (the one with the largest score; of equal ones the first), and the ranks of
    each class against all others."""

    def __init__(self, outcome: str, source: EvaluateInput) -> None:
        self._outcome = outcome
        self._source = source
        self._names = list(source.outcomes[outcome].scores)
        self._table: Floats = np.zeros((len(self._names), len(self._names)))
        self._tallies = {name: Tally(source.exact_rows) for name in self._names}

    def add(self, evaluated: pl.DataFrame, unscored: pl.DataFrame) -> None:
        """Count these rows."""
        columns = [score_column(self._outcome, name) for name in self._names]
        truth = evaluated[truth_column(self._outcome)].cast(pl.Int64)
        predicted = evaluated.select(columns).to_numpy().argmax(axis=1) if evaluated.height else np.zeros(0, np.int64)
        self._table = self._table + classes.confusion_table(truth.to_numpy(), predicted, len(self._names))
        for number, (name, column) in enumerate(zip(self._names, columns, strict=True)):
            of_class = (truth == number).cast(pl.Float64).alias("truth")
            self._tallies[name].add(evaluated.select(pl.col(column).alias("score"), of_class, SUBJECT))

    def figures(self, points: Mapping[str, float]) -> list[Figure]:
        """All of them; `point` is the class where a figure is of one class against the rest."""
        return [*self._together(), *self._by_class()]

    def ranks(self) -> None:
        """Several classes have no one ranking."""
        return

    def _together(self) -> Iterator[Figure]:
        total, right = float(self._table.sum()), float(np.trace(self._table))
        yield count("rows", total)
        yield Figure("accuracy", proportion(right, total, self._source.interval, self._source.level))
        averages = classes.macro(self._table)
        yield Figure("macro_ppv", averages.precision)
        yield Figure("macro_sensitivity", averages.recall)
        yield Figure("macro_f1", averages.f1)
        yield Figure("macro_auroc", self._mean_area())
        yield Figure("kappa", classes.kappa(self._table, 0, self._source.level))
        if self._source.outcomes[self._outcome].ordered:
            yield Figure("linear_kappa", classes.kappa(self._table, 1, self._source.level))
            yield Figure("quadratic_kappa", classes.kappa(self._table, 2, self._source.level))

    def _mean_area(self) -> Estimate:
        """Mean over the classes that have rows, each against all others."""
        areas = [discrimination.auroc(tally.ranks()).value for tally in self._tallies.values()]
        known = [area for area in areas if area is not None]
        return Estimate(float(np.mean(known))) if known else undefined("no two classes have rows")

    def _by_class(self) -> Iterator[Figure]:
        for number, name in enumerate(self._names):
            counts = classes.one_against_rest(self._table, number)
            yield count("rows", counts.positives, name)
            yield count("predicted", counts.flagged, name)
            yield Figure("auroc", discrimination.auroc(self._tallies[name].ranks(), self._source.level), name)
            yield from (Figure(key, confusion.FIGURES[key](counts), name) for key in _OF_A_CLASS)
