"""What an evaluation adds up of a case, file of joined rows by file, whatever its task is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import polars as pl

from workers.evaluation.binary import BinarySums
from workers.evaluation.classes import ClassSums
from workers.evaluation.entities import EntitySums
from workers.evaluation.figure import Figure
from workers.evaluation.mask_sums import MaskSums
from workers.evaluation.number import NumberSums
from workers.evaluation.settings import EvaluateInput
from workers.statistics.ranks import Ranks


class Sums(Protocol):
    """One outcome in one group of rows."""

    def add(self, evaluated: pl.DataFrame, unscored: pl.DataFrame) -> None:
        """Joined rows of the case that are evaluated, and those that have a truth and no score."""

    def figures(self, points: Mapping[str, float]) -> Sequence[Figure]:
        """All of its figures, at these operating points."""

    def ranks(self) -> Ranks | None:
        """For curves: the ranks of a binary outcome, None of another."""


def open_sums(outcome: str, source: EvaluateInput) -> Sums:
    """The sums of a case of this outcome, nothing added yet."""
    task = source.outcomes[outcome].task
    if task == "number":
        return NumberSums(outcome, source)
    if task == "segmentation":
        return MaskSums(outcome, source)
    if task == "entities":
        return EntitySums(outcome, source)
    return ClassSums(outcome, source) if task == "classes" else BinarySums(outcome, source)
