"""How much rare answers count, so that all have the same share."""

import numpy as np
from numpy.typing import NDArray

from workers.training.settings import Task

Floats = NDArray[np.float64]


def class_weights(task: Task, targets: Floats, classes: int) -> Floats | None:
    """By class, all with the same sum over the examples, 1 on average; of binary outputs (2, outputs). None for
    numbers. A class without examples counts nothing."""
    if task == "number":
        return None
    if task == "binary":
        known = ~np.isnan(targets)
        positive = np.nansum(targets, axis=0)
        return _weights(np.stack([known.sum(0) - positive, positive]), known.sum(0))
    there = targets[~np.isnan(targets[:, 0]), 0].astype(np.int64)
    return _weights(np.bincount(there, minlength=classes).astype(np.float64), np.float64(len(there)))


def example_weights(task: Task, targets: Floats, classes: int) -> Floats | None:
    """How often each example is shown, relative to others: the mean of what its labels would count. 1 where none is
    known."""
    weights = class_weights(task, targets, classes)
    if weights is None:
        return None
    if task == "binary":
        by_label = np.where(np.nan_to_num(targets) == 1, weights[1], weights[0])
        known = ~np.isnan(targets)
        return np.where(known.any(1), (by_label * known).sum(1) / np.maximum(known.sum(1), 1), 1.0)
    known = ~np.isnan(targets[:, 0])
    return np.where(known, weights[np.where(known, targets[:, 0], 0).astype(np.int64)], 1.0)


def _weights(counts: Floats, total: Floats | np.float64) -> Floats:
    there = (counts > 0).sum(axis=0)
    found: Floats = np.divide(total / np.maximum(there, 1), counts, out=np.zeros_like(counts), where=counts > 0)
    return found
