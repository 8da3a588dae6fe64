"""The maps from a score to a calibrated probability: each rises with the score, so that no ranking changes."""

from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from schemas.frozen import Frozen
from workers.statistics.logistic import below_one, expit, logit
from workers.statistics.ranks import Floats

Method = Literal["temperature", "platt", "isotonic", "beta"]
Of = Literal["logit", "score"]
"""What a line is drawn through: the logit of a score that is a probability, or the score itself."""


class Temperature(Frozen):
    """`expit(logit(score) / temperature)` (Guo et al. 2017): scores that are too extreme, or not enough."""

    method: Literal["temperature"] = "temperature"
    of: Of = "logit"
    temperature: float = Field(gt=0)

    def apply(self, scores: NDArray[np.floating]) -> Floats:
        """Probabilities of scores of any shape; NaN stays NaN."""
        return expit(seen(scores, self.of) / self.temperature)


class Platt(Frozen):
    """`expit(intercept + slope * logit(score))` (Platt 1999)."""

    method: Literal["platt"] = "platt"
    of: Of = "logit"
    slope: float = Field(ge=0)
    intercept: float

    def apply(self, scores: NDArray[np.floating]) -> Floats:
        """Probabilities of scores of any shape; NaN stays NaN."""
        return expit(self.intercept + self.slope * seen(scores, self.of))


class Isotonic(Frozen):
    """Straight lines between points, level beyond the outer ones (Zadrozny and Elkan 2002)."""

    method: Literal["isotonic"] = "isotonic"
    scores: tuple[float, ...] = Field(min_length=1, description="ascending")
    probabilities: tuple[float, ...] = Field(min_length=1, description="at each score; none falls")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.scores) != len(self.probabilities):
            raise ValueError("scores and probabilities must be as many")
        if any(high <= low for low, high in pairwise(self.scores)):
            raise ValueError("scores must ascend")
        if any(high < low for low, high in pairwise(self.probabilities)):
            raise ValueError("is not monotone: probabilities must not fall")
        if self.probabilities[0] < 0 or self.probabilities[-1] > 1:
            raise ValueError("probabilities must be 0 to 1")
        return self

    def apply(self, scores: NDArray[np.floating]) -> Floats:
        """Probabilities of scores of any shape; NaN stays NaN."""
        return np.asarray(np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities), np.float64)


class Beta(Frozen):
    """`expit(intercept + a ln(score) - b ln(1 - score))` (Kull, Silva Filho and Flach 2017)."""

    method: Literal["beta"] = "beta"
    a: float = Field(ge=0)
    b: float = Field(ge=0)
    intercept: float

    def apply(self, scores: NDArray[np.floating]) -> Floats:
        """Probabilities of scores of any shape; NaN stays NaN."""
        up, down = logarithms(scores)
        return expit(self.intercept + self.a * up + self.b * down)


Map = Annotated[Temperature | Platt | Isotonic | Beta, Field(discriminator="method")]


def seen(scores: NDArray[np.floating], of: Of) -> Floats:
    """What the line of `temperature` and `platt` is drawn through."""
    return logit(scores) if of == "logit" else np.asarray(scores, np.float64)


def logarithms(scores: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """ln(score) and -ln(1 - score), both finite."""
    kept = below_one(scores)
    return np.log(kept), -np.log1p(-kept)
