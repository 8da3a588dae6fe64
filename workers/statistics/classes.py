"""Figures of several classes that exclude each other, from the table of true by predicted class."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.statistics.confusion import Confusion
from workers.statistics.estimate import LEVEL, Estimate, normal, undefined
from workers.statistics.ranks import Floats


def confusion_table(truth: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> Floats:
    """Rows by true class (down) and predicted class (across); tables of parts add up."""
    cells = np.bincount(np.asarray(truth) * classes + np.asarray(predicted), minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.float64)


def one_against_rest(table: Floats, number: int) -> Confusion:
    """The four counts of one class against all others together."""
    true = float(table[number, number])
    false = float(table[:, number].sum()) - true
    missed = float(table[number].sum()) - true
    return Confusion(true, false, missed, float(table.sum()) - true - false - missed)


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 over all classes."""

    precision: Estimate
    recall: Estimate
    f1: Estimate


def macro(table: Floats) -> Averages:
    """Mean of the classes' own figures, of those that have a row or are predicted; one that has none counts as 0."""
    true = np.diag(table)
    rows, predicted = table.sum(axis=1), table.sum(axis=0)
    seen = (rows + predicted) > 0
    if not seen.any():
        return Averages(*[undefined("no rows")] * 3)
    precision = np.divide(true, predicted, out=np.zeros_like(true), where=predicted > 0)
    recall = np.divide(true, rows, out=np.zeros_like(true), where=rows > 0)
    both = rows + predicted
    harmonic = np.divide(2 * true, both, out=np.zeros_like(true), where=both > 0)
    return Averages(*(Estimate(float(part[seen].mean())) for part in (precision, recall, harmonic)))


def kappa(table: Floats, power: int = 0, level: float = LEVEL) -> Estimate:
    """Cohen's kappa; disagreement counts 1 (`power` 0), by its distance (1) or by the square of it (2), as for grades.

    Interval by the large-sample variance of Fleiss, Cohen and Everitt (1969).
    """
    total, classes = float(table.sum()), len(table)
    if not total:
        return undefined("no rows")
    share = table / total
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    away = np.abs(np.subtract.outer(np.arange(classes), np.arange(classes))).astype(np.float64)
    weight = (away == 0).astype(np.float64) if power == 0 else 1 - (away / max(classes - 1, 1)) ** power
    observed = float((weight * share).sum())
    chance = float((weight * np.outer(rows, columns)).sum())
    if math.isclose(chance, 1.0):
        return undefined("all rows are of one class")
    value = (observed - chance) / (1 - chance)
    means = np.add.outer(weight @ columns, weight.T @ rows)
    inner = float((share * (weight * (1 - chance) - means * (1 - observed)) ** 2).sum())
    variance = (inner - (observed * chance - 2 * chance + observed) ** 2) / (total * (1 - chance) ** 4)
    return normal(value, variance, level)
