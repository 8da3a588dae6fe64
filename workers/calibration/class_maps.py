"""Maps from the probabilities of several classes to calibrated ones that add up to 1 again, and their fit."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from schemas.frozen import Frozen
from workers.statistics.ranks import Floats

ClassMethod = Literal["temperature", "vector"]
LEAST = 1e-12
"""What a probability of 0 is taken as, since it has no logarithm."""
_STEPS, _CHUNK, _NOTHING = 100, 100_000, 1e-6
_NO_END = "the scores separate the classes, so that the fit has no end: name more tuning rows, or another method"


class Classes(Frozen):
    """`softmax(slopes * ln(p) + intercepts)`: all slopes are `1 / T` and intercepts 0 of a temperature (Guo et al.
    2017); of `vector` each class has its own (vector scaling: diagonal Dirichlet calibration, Kull et al. 2019).
    """

    method: ClassMethod
    slopes: tuple[float, ...] = Field(min_length=2)
    intercepts: tuple[float, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_a_class(self) -> Self:
        if len(self.slopes) != len(self.intercepts):
            raise ValueError("slopes and intercepts must be as many as there are classes")
        return self

    def apply(self, probabilities: NDArray[np.floating]) -> Floats:
        """(rows, classes) as they came, calibrated; a row with NaN is NaN."""
        return _softmax(_logs(probabilities) * np.array(self.slopes) + np.array(self.intercepts))


class ClassCalibration(Frozen):
    """How the outputs of several classes are calibrated together."""

    outputs: tuple[str, ...] = Field(min_length=2, description="of the model, one a class")
    map: Annotated[Classes, Field(description="fitted on all tuning rows")]
    rows: int = Field(default=0, ge=0, description="tuning rows that it was fitted on")

    @model_validator(mode="after")
    def _one_an_output(self) -> Self:
        if len(set(self.outputs)) < len(self.outputs) or len(self.outputs) != len(self.map.slopes):
            raise ValueError("outputs must be as many as slopes, each there once")
        return self


def fit_classes(method: ClassMethod, probabilities: Floats, truth: NDArray[np.int64]) -> Classes:
    """The map of maximum likelihood, by Newton's steps. `probabilities` are (rows, classes), `truth` classes from 0 on.

    Raises ValueError, saying why, where there is no row of a class, scores are no probabilities, classes are
    separated, or a slope would fall.
    """
    count = probabilities.shape[1]
    if len(np.unique(truth)) < count:
        raise ValueError("a class has no row")
    if (probabilities < 0).any() or (np.abs(probabilities.sum(axis=1) - 1) > 1e-3).any():
        raise ValueError("scores that are below 0, or do not add up to 1, are no probabilities of classes")
    logs = _logs(probabilities)
    # What each parameter adds to each class: a slope times its logarithm, or an intercept; one of those is free.
    parts = [np.eye(count)] if method == "vector" else [np.ones((1, count))]
    intercepts = np.eye(count)[1:] if method == "vector" else np.zeros((0, count))
    found = _newton(logs, parts[0], intercepts, truth)
    slopes, shifts = found[: len(parts[0])] @ parts[0], found[len(parts[0]) :] @ intercepts
    if (slopes <= 0).any():
        raise ValueError("true classes do not have the higher scores: look whether `scores` names them rightly")
    return Classes(method=method, slopes=tuple(slopes.tolist()), intercepts=tuple((shifts - shifts.mean()).tolist()))


def _newton(logs: Floats, slopes: Floats, intercepts: Floats, truth: NDArray[np.int64]) -> Floats:
    at = np.concatenate([np.ones(len(slopes)), np.zeros(len(intercepts))])
    value, gradient, curvature = _likelihood(at, logs, slopes, intercepts, truth)
    for _ in range(_STEPS):
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        if gradient @ step < 1e-14 * max(1.0, abs(value)):
            # Of separated classes the likelihood is 1 in the end.
            if value < _NOTHING:
                break
            return np.asarray(at, np.float64)
        size = 1.0
        while size > 1e-10:
            new = _likelihood(at - size * step, logs, slopes, intercepts, truth)
            if new[0] <= value:
                break
            size /= 2
        at = at - size * step
        value, gradient, curvature = new
        if np.abs(at).max() > 1e4:
            break
    raise ValueError(_NO_END)


def _likelihood(
    at: Floats, logs: Floats, slopes: Floats, intercepts: Floats, truth: NDArray[np.int64]
) -> tuple[float, Floats, Floats]:
    """The mean negative logarithm of the true class's probability, its gradient and its curvature."""
    value, gradient, curvature = 0.0, np.zeros(len(at)), np.zeros((len(at), len(at)))
    for start in range(0, len(logs), _CHUNK):
        part, true = logs[start : start + _CHUNK], truth[start : start + _CHUNK]
        # By row, parameter and class.
        features = np.concatenate(
            [part[:, None, :] * slopes[None], np.broadcast_to(intercepts, (len(part), *intercepts.shape))], axis=1
        )
        chance = _softmax(np.einsum("p,npk->nk", at, features))
        rows = np.arange(len(part))
        value -= float(np.log(np.maximum(chance[rows, true], LEAST)).sum())
        mean = np.einsum("nk,npk->np", chance, features)
        gradient += (mean - features[rows, :, true]).sum(axis=0)
        curvature += np.einsum("nk,npk,nqk->pq", chance, features, features, optimize=True) - mean.T @ mean
    return value / len(logs), gradient / len(logs), curvature / len(logs)


def _logs(probabilities: NDArray[np.floating]) -> Floats:
    return np.asarray(np.log(np.maximum(np.asarray(probabilities, np.float64), LEAST)), np.float64)


def _softmax(values: Floats) -> Floats:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)
