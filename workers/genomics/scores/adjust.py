"""Scores held against the cohort: deviations from its mean, and from what ancestry lets expect.

`Z_norm1` and `Z_norm2` are those of pgsc_calc (Khera et al. 2019, doi:10.1161/CIRCULATIONAHA.118.035658; Khan et al.
2022, doi:10.1038/s41591-022-01869-1), fitted on the cohort itself: the score less what a linear regression on principal
components expects, divided by the deviation of the residuals, or by the deviation that the components let expect.

All is fitted in passes over blocks of rows. They are cut anew to blocks of one size, so that the same rows in the same
order give the same figures however they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Block = tuple[Floats, Floats]
"""(components (rows, p), scores (rows, K)); rows without components have NaN there, scores that are null are NaN."""

Blocks = Callable[[], Iterator[Block]]
"""All rows from the first on, as often as it is asked."""

_ROWS = 8192
_MAX_PASSES = 200
_TOLERANCE = 1e-11


@dataclass(frozen=True)
class Moments:
    """What is known of each column: rows that have a value, their mean, and the sum of squared distances from it."""

    count: Floats
    mean: Floats
    squares: Floats

    @property
    def sd(self) -> Floats:
        """Standard deviation, by n - 1; NaN of fewer than two rows."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(self.count > 1, np.sqrt(self.squares / (self.count - 1)), np.nan))

    def merge(self, other: Moments) -> Moments:
        """The moments of both sets of rows together (Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        share = np.divide(other.count, count, out=np.zeros_like(count), where=count > 0)
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.count * share
        return Moments(count, self.mean + apart * share, squares)

    def z(self, scores: Floats) -> Floats:
        """Deviations above the mean; NaN of a score that does not vary."""
        return _divided(scores - self.mean, self.sd)

    @classmethod
    def of(cls, values: Floats) -> Moments:
        """The moments of one block (rows, columns); NaN is no value."""
        given = ~np.isnan(values)
        count = given.sum(axis=0).astype(np.float64)
        total = np.where(given, values, 0).sum(axis=0)
        mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        return cls(count, mean, (np.where(given, values - mean, 0) ** 2).sum(axis=0))


def moments(blocks: Blocks) -> Moments:
    """The moments of the scores, over all rows."""
    return _moments(scores for _, scores in recut(blocks()))


def _moments(parts: Iterator[Floats]) -> Moments:
    total: Moments | None = None
    for part in parts:
        total = Moments.of(part) if total is None else total.merge(Moments.of(part))
    return total or Moments.of(np.zeros((0, 0)))


def recut(blocks: Iterator[Block], rows: int = _ROWS) -> Iterator[Block]:
    """The same rows in blocks of `rows`, the last one shorter."""
    held: list[Block] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block[1])
        if count >= rows:
            components, scores = (np.concatenate(part) for part in zip(*held, strict=True))
            whole = count - count % rows
            for start in range(0, whole, rows):
                yield components[start : start + rows], scores[start : start + rows]
            held, count = [(components[whole:], scores[whole:])], count - whole
    if count:
        components, scores = (np.concatenate(part) for part in zip(*held, strict=True))
        yield components, scores


@dataclass(frozen=True)
class ComponentFit:
    """What components let expect of each score. Coefficients are (1 + p, K), the constant first, on components less
    `centre` and divided by `scale`. `mean` and `sd` are those of the linear regression; `joint_mean` and `log_variance`
    those of largest likelihood together."""

    centre: Floats
    scale: Floats
    mean: Floats
    sd: Floats
    joint_mean: Floats
    log_variance: Floats

    def z_norm1(self, components: Floats, scores: Floats) -> Floats:
        """`Z_norm1` of rows, which need not be those of the fit."""
        return _divided(scores - self._design(components) @ self.mean, self.sd)

    def z_norm2(self, components: Floats, scores: Floats) -> Floats:
        """`Z_norm2` of rows, which need not be those of the fit."""
        design = self._design(components)
        with np.errstate(over="ignore"):
            deviation = np.exp(design @ self.log_variance / 2)
        return _divided(scores - design @ self.joint_mean, deviation)

    def to_json(self) -> dict[str, Any]:
        """Numbers that come back as they are."""
        return {name: getattr(self, name).tolist() for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> ComponentFit:
        """What `to_json` gave."""
        return cls(**{name: np.array(said[name], dtype=np.float64) for name in cls.__dataclass_fields__})

    def _design(self, components: Floats) -> Floats:
        return _design(components, self.centre, self.scale)


def fit_components(blocks: Blocks, refit: bool = True) -> ComponentFit:
    """Linear regression of each score on the components, then mean and variance jointly.

    The variance is exp of a linear function of the components. It begins with the gamma regression (log link) of the
    squared residuals, whose steps by Fisher scoring are also those of the joint likelihood with the mean held still;
    without `refit` it stays that.
    A score with too few rows, or without variance, gets NaN.
    """
    spread = _moments(components for components, _ in recut(blocks()))
    scale = np.where(np.nan_to_num(spread.sd) > 0, spread.sd, 1.0)
    passes = _Passes(blocks, spread.mean, scale)
    mean = passes.regression()
    variance, count = passes.residual_variance(mean)
    columns = mean.shape[0]
    usable: NDArray[np.bool_] = np.asarray((count > columns) & (variance > 0))
    start = np.zeros_like(mean)
    with np.errstate(divide="ignore"):
        # The constant alone: the variance of the residuals, of which the log is fitted, the same everywhere.
        start[0] = np.where(usable, np.log(variance * (count - 1) / np.maximum(count, 1)), 0)
    log_variance = passes.gamma(mean, start)
    joint_mean, log_variance = passes.joint(mean, log_variance) if refit else (mean.copy(), log_variance)
    # With no more rows than coefficients any score fits exactly.
    for fitted in (mean, joint_mean, log_variance):
        fitted[:, ~usable] = np.nan
    return ComponentFit(spread.mean, scale, mean, np.sqrt(variance), joint_mean, log_variance)


class _Passes:
    """Passes over the rows; each takes sums of all scores at once."""

    def __init__(self, blocks: Blocks, centre: Floats, scale: Floats) -> None:
        self._blocks = blocks
        self._centre = centre
        self._scale = scale

    def _rows(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """(design, scores, 1 where there is a score and components, else 0); scores are 0 there."""
        for components, scores in recut(self._blocks()):
            # A row that lacks one component lacks the prediction altogether.
            known: NDArray[np.bool_] = np.asarray(np.isnan(components).sum(axis=1) == 0)
            given = (~np.isnan(scores) & known[:, None]).astype(np.float64)
            design = _design(np.where(known[:, None], components, 0), self._centre, self._scale)
            yield design, np.where(given > 0, scores, 0), given

    def regression(self) -> Floats:
        """Least squares."""
        gram: Any = 0.0
        right: Any = 0.0
        for design, scores, given in self._rows():
            gram = gram + _grams(design, given)
            right = right + design.T @ (scores * given)
        return _solved(gram, right)

    def residual_variance(self, mean: Floats) -> tuple[Floats, Floats]:
        """Variance of the residuals by n - 1, as pgsc_calc divides; and n."""
        parts = (np.where(given > 0, scores - design @ mean, np.nan) for design, scores, given in self._rows())
        found = _moments(parts)
        return found.sd**2, found.count

    def gamma(self, mean: Floats, start: Floats) -> Floats:
        """Coefficients of the log of the expected squared residual."""
        coefficients = start
        for _ in range(_MAX_PASSES):
            gram: Any = 0.0
            right: Any = 0.0
            for design, scores, given in self._rows():
                expected = np.exp(design @ coefficients)
                gram = gram + _grams(design, given)
                right = right + design.T @ (given * ((scores - design @ mean) ** 2 / expected - 1))
            step = _bounded(_solved(gram, right))
            coefficients = coefficients + step
            if np.abs(step).max(initial=0) < _TOLERANCE:
                break
        return coefficients

    def joint(self, mean: Floats, log_variance: Floats) -> tuple[Floats, Floats]:
        """Fisher scoring of the normal likelihood; mean and variance are orthogonal in its information."""
        for _ in range(_MAX_PASSES):
            gram: Any = 0.0
            right: Any = 0.0
            plain: Any = 0.0
            slope: Any = 0.0
            for design, scores, given in self._rows():
                precision = given * np.exp(-(design @ log_variance))
                residual = scores - design @ mean
                gram = gram + _grams(design, precision)
                right = right + design.T @ (precision * residual)
                plain = plain + _grams(design, given)
                slope = slope + design.T @ (precision * residual**2 - given)
            move, step = _solved(gram, right), _bounded(_solved(plain, slope))
            mean, log_variance = mean + move, log_variance + step
            # A step of the mean is small or not against the score's own deviation.
            against = np.exp(log_variance[0] / 2)
            if max(np.abs(step).max(initial=0), np.abs(_divided(move, against)).max(initial=0)) < _TOLERANCE:
                break
        return mean, log_variance


def _design(components: Floats, centre: Floats, scale: Floats) -> Floats:
    return np.concatenate([np.ones((len(components), 1)), (components - centre) / scale], axis=1)


def _grams(design: Floats, weights: Floats) -> Floats:
    """(K, q, q): design' diag(weights of one score) design."""
    q = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), q * q)
    return np.asarray(weights.T @ products).reshape(-1, q, q)


def _solved(gram: Any, right: Any) -> Floats:
    """(q, K). By the pseudo-inverse: components may be constant, or say the same."""
    if isinstance(gram, float):
        return np.zeros((1, 0))
    inverse = np.linalg.pinv(gram, hermitian=True)
    return np.asarray(np.einsum("kij,jk->ik", inverse, right))


def _bounded(step: Floats) -> Floats:
    """A step of a log variance never goes further than a factor of about 20 at once."""
    return np.clip(np.nan_to_num(step), -3, 3)


def _divided(values: Floats, by: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(by > 0, values / by, np.nan))
