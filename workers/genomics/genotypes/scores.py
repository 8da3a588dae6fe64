"""A directory of scores in a worker: its weights, and the columns that their sums become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.status import Status
from workers.genomics.contract import GenotypeChunk, Sums, Weights
from workers.genomics.genotypes.answers import Answer, refused
from workers.genomics.genotypes.models import GenotypeModel
from workers.genomics.genotypes.outputs import ALLELE_CT, DENOM, LOW_OVERLAP, NAMED_DOSAGE, average_name
from workers.genomics.genotypes.ploidy import Numbers, Ploidy, is_among
from workers.genomics.kernels.opening import open_kernel
from workers.genomics.scores.weights import Part, ScoreWeights, build_weights


@dataclass(frozen=True)
class Scores:
    """What is the same for every shard. `groups` as in workers.genomics.genotypes.groups; `why` the first score that
    is not scored is not."""

    model: GenotypeModel
    weights: ScoreWeights
    groups: Mapping[str, int]
    why: str | None

    @classmethod
    def of(
        cls,
        model: GenotypeModel,
        parts: Sequence[Part],
        frequencies: pl.DataFrame | None,
        groups: Mapping[str, int],
        why: str | None,
    ) -> Scores:
        """The scores of what was matched. Those without a group are not scored."""
        drop = frozenset(score for scores, _ in parts for score in scores if score not in groups)
        columns = model.steps.columns
        return cls(model, build_weights(parts, frequencies, drop, columns.average or columns.counts), groups, why)

    @property
    def low(self) -> list[str]:
        """Names of the scores that are not scored."""
        return [score for score in self.model.card.settings["scores"] if score not in self.groups]


class ScoreTaker:
    """Takes the chunks of a shard in. Implements workers.genomics.genotypes.scanning.Taker.

    Variants on Y have a kernel of their own, whose sums are those of the samples that have a Y.
    """

    def __init__(self, scores: Scores, ploidy: Ploidy, samples: int, threads: int, device: str) -> None:
        self.is_diploid = scores.model.steps.haploid.ploidy == "diploid"
        self._scores = scores
        self._ploidy = ploidy
        self._samples = samples
        weights = scores.weights.weights
        on_y = is_among(weights.variant_idx, ploidy.haploid.y)
        self._y = on_y.any() and not ploidy.has_y.all()
        self._kernel = open_kernel(_rows(weights, ~on_y) if self._y else weights, samples, threads, device)
        self._of_y = open_kernel(_rows(weights, on_y), samples, threads, device) if self._y else None

    @property
    def wanted(self) -> Numbers:
        """The variants that some score has a weight of."""
        return self._scores.weights.weights.variant_idx

    def add(self, chunk: GenotypeChunk) -> None:
        """Add the chunk to the sums; variants on Y have a kernel of their own where some samples have no Y."""
        self._kernel.add(chunk)
        if self._of_y is not None:
            self._of_y.add(chunk)

    def finish(self) -> Answer:
        """The columns of the model, but for adjusted ones."""
        outputs = [field.name for field in self._scores.model.card.outputs]
        if not self._scores.groups:
            first = f"{self._scores.low[0]}: {self._scores.why}"
            detail = f"no score has enough of its variants here; see stages/match/rows. {first}"
            return refused(Status.LOW_OVERLAP, detail, outputs, self._samples)
        sums = self._scores.weights.fold(self._sums())
        values = {name: column for name, column in self._columns(sums).items() if name in outputs}
        return Answer(values, [Status.OK] * self._samples, [None] * self._samples)

    def _sums(self) -> Sums:
        sums = self._kernel.finish()
        if self._of_y is None:
            return sums
        more, has_y = self._of_y.finish(), self._ploidy.has_y[:, None]
        return Sums(
            total=sums.total + np.where(has_y, more.total, 0.0),
            allele_count=sums.allele_count + np.where(has_y, more.allele_count, 0),
            denominator=sums.denominator + np.where(has_y, more.denominator, 0),
            named_dosage=sums.named_dosage + np.where(has_y, more.named_dosage, 0.0),
        )

    def _columns(self, sums: Sums) -> dict[str, Any]:
        weights, groups = self._scores.weights, self._scores.groups
        nothing = pa.nulls(self._samples, pa.float64())
        columns: dict[str, Any] = {}
        asked = self._scores.model.steps.columns
        for low in self._scores.low:
            columns |= {low: nothing, average_name(low): nothing}
        for place, score in enumerate(weights.scores):
            total = sums.total[:, place]
            columns[score] = pa.array(total)
            if not asked.average:
                continue
            alleles = sums.denominator[:, weights.group[place]]
            average = np.divide(total, alleles, out=np.zeros(len(total)), where=alleles > 0)
            columns[average_name(score)] = pa.array(average, mask=alleles == 0)
        low_lists = pa.scalar(self._scores.low, pa.list_(pa.string()))
        columns[LOW_OVERLAP] = pa.repeat(low_lists, self._samples)
        if not asked.counts:
            return columns
        # The first score of each group says which of the kernel's groups it is.
        first = {number: score for score, number in reversed(list(groups.items()))}
        place_of = {score: place for place, score in enumerate(weights.scores)}
        order = [weights.group[place_of[first[number]]] for number in range(len(first))]
        columns[ALLELE_CT] = _lists(sums.allele_count[:, order], np.int32)
        columns[DENOM] = _lists(sums.denominator[:, order], np.int32)
        columns[NAMED_DOSAGE] = _lists(sums.named_dosage[:, order], np.float64)
        return columns


def _rows(weights: Weights, chosen: NDArray[np.bool_]) -> Weights:
    """Some rows of the matrix."""
    counts = np.diff(weights.offsets)
    entries = np.repeat(chosen, counts)
    return replace(
        weights,
        variant_idx=weights.variant_idx[chosen],
        fill=weights.fill[chosen],
        offsets=np.concatenate([[0], np.cumsum(counts[chosen])]).astype(np.int64),
        column=weights.column[entries],
        weight=weights.weight[entries],
        flip=weights.flip[entries],
        kind=weights.kind[entries],
    )


def _lists(values: NDArray[Any], kind: Any) -> pa.Array:
    rows, width = values.shape
    flat = np.ascontiguousarray(values, dtype=kind).reshape(-1)
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * width, pa.array(flat))
