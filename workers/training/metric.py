"""How good a network is on tuning rows: one number, by which an epoch is chosen."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.statistics.classes import confusion_table, kappa
from workers.statistics.discrimination import auroc
from workers.statistics.ranks import rank
from workers.training.settings import Metric, Task

Floats = NDArray[np.float64]

_OF_TASK: dict[Task, tuple[Metric, ...]] = {
    "binary": ("auroc", "loss", "accuracy"),
    "classes": ("loss", "auroc", "accuracy"),
    "ordinal": ("kappa", "loss", "accuracy", "mae"),
    "number": ("loss", "mae"),
    "segmentation": ("dice", "loss"),
}
_SMALLER_IS_BETTER = ("loss", "mae")


def metric_of(task: Task, asked: Metric) -> Metric:
    """The one that is asked for, or the task's own. Raises SpecError for one that this task has not."""
    if asked == "auto":
        return _OF_TASK[task][0]
    if asked not in _OF_TASK[task]:
        raise SpecError(f"metric: {asked} is not for {task}; choose one of {', '.join(_OF_TASK[task])}")
    return asked


def without_losses(task: Task) -> tuple[Metric, ...]:
    """Those of a task that mean the same whatever is made small."""
    return tuple(metric for metric in _OF_TASK[task] if metric != "loss")


def is_better(metric: Metric, now: float, before: float | None, least: float = 0.0) -> bool:
    """Whether it is, by more than `least`; NaN is better than nothing only."""
    if before is None or np.isnan(before):
        return before is None or not np.isnan(now)
    return now < before - least if metric in _SMALLER_IS_BETTER else now > before + least


def value_of(metric: Metric, task: Task, logits: Floats, targets: Floats) -> float:
    """The figure over all rows with a label; NaN where one class alone is there. `loss` is not for here, nor what a
    recipe tells itself (`workers.training.recipe.OwnMeasure`)."""
    found: dict[Metric, Callable[[], float]] = {
        "auroc": lambda: _auroc(task, logits, targets),
        "accuracy": lambda: _accuracy(task, logits, targets),
        "kappa": lambda: _kappa(logits, targets),
        "mae": lambda: float(np.nanmean(np.abs(_answers(task, logits) - targets))),
    }
    return found[metric]()


def mean_figure(rows: Sequence[Sequence[float]]) -> float:
    """The mean over the columns of their means over the rows; NaN counts nothing, and is the answer where all are."""
    table = np.array(rows, np.float64)
    known = ~np.isnan(table)
    there = known.any(axis=0)
    if not there.any():
        return float("nan")
    sums, counts = np.nansum(table, axis=0)[there], known.sum(axis=0)[there]
    return float((sums / counts).mean())


def _answers(task: Task, logits: Floats) -> Floats:
    """As targets are: sides, classes, or numbers."""
    if task == "binary":
        return (logits > 0).astype(np.float64)
    if task == "classes":
        return np.asarray(logits.argmax(1)[:, None], np.float64)
    if task == "ordinal":
        return np.asarray((logits > 0).sum(1)[:, None], np.float64)
    return logits


def _auroc(task: Task, logits: Floats, targets: Floats) -> float:
    """Mean over the outputs, or over the classes, each against the rest."""
    if task == "classes":
        known = ~np.isnan(targets[:, 0])
        logits, truth = logits[known], targets[known, 0]
        targets = (truth[:, None] == np.arange(logits.shape[1])).astype(np.float64)
    areas = [_area(logits[:, column], targets[:, column]) for column in range(logits.shape[1])]
    known_areas = [area for area in areas if area is not None]
    return float(np.mean(known_areas)) if known_areas else float("nan")


def _area(scores: Floats, targets: Floats) -> float | None:
    known = ~np.isnan(targets)
    return auroc(rank(scores[known], targets[known].astype(np.int64))).value


def _accuracy(task: Task, logits: Floats, targets: Floats) -> float:
    known = ~np.isnan(targets)
    return float((_answers(task, logits) == targets)[known].mean())


def _kappa(logits: Floats, targets: Floats) -> float:
    """Quadratic weights, as grades have them."""
    known = ~np.isnan(targets[:, 0])
    truth, predicted = targets[known, 0].astype(np.int64), _answers("ordinal", logits)[known, 0].astype(np.int64)
    value = kappa(confusion_table(truth, predicted, logits.shape[1] + 1), 2).value
    return float("nan") if value is None else value
