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
from workers.genomics.chromosomes import Y
from workers.genomics.contract import GenotypeChunk, Kernel, Sums, Weights
from workers.genomics.genotypes.answers import Answer, refused
from workers.genomics.genotypes.joining import SiteJoiner, SitePlan
from workers.genomics.genotypes.models import GenotypeModel
from workers.genomics.genotypes.outputs import ALLELE_CT, DENOM, LOW_OVERLAP, NAMED_DOSAGE, average_name
from workers.genomics.genotypes.ploidy import Numbers, Ploidy, is_among
from workers.genomics.kernels.opening import open_kernel
from workers.genomics.scores.joined import SITES
from workers.genomics.scores.weights import Part, ScoreWeights, build_weights

_NO_CALL = "no variant of any score was called in this sample"


@dataclass(frozen=True)
class Scores:
    """What is the same for every shard. `groups` as in workers.genomics.genotypes.groups; `why` the first score that
    is not scored is not."""

    model: GenotypeModel
    weights: ScoreWeights
    sites: SitePlan
    groups: Mapping[str, int]
    why: str | None

    @classmethod
    def of(
        cls,
        model: GenotypeModel,
        parts: Sequence[Part],
        frequencies: pl.DataFrame | None,
        variants: pl.DataFrame,
        groups: Mapping[str, int],
        why: str | None,
    ) -> Scores:
        """The scores of what was matched. Those without a group are not scored."""
        drop = frozenset(score for scores, _ in parts for score in scores if score not in groups)
        columns = model.steps.columns
        counted = columns.average or columns.counts
        weights = build_weights(parts, frequencies, drop, counted)
        if not counted and _may_lack_all(weights, variants):
            weights = build_weights(parts, frequencies, drop)
        return cls(model, weights, SitePlan(weights.sites, variants), groups, why)

    @property
    def low(self) -> list[str]:
        """Names of the scores that are not scored."""
        return [score for score in self.model.card.settings["scores"] if score not in self.groups]


@dataclass(frozen=True)
class _Part:
    """The kernel of some rows of the matrix: of records or of joined sites, and whose calls count, None for all."""

    kernel: Kernel
    joined: bool
    counts: NDArray[np.bool_] | None


class ScoreTaker:
    """Takes the chunks of a shard in. Implements workers.genomics.genotypes.scanning.Taker.

    Variants on Y have a kernel of their own, whose sums are those of the samples that have a Y; so have joined sites,
    which come in another order than records.
    """

    def __init__(self, scores: Scores, ploidy: Ploidy, samples: int, threads: int, device: str) -> None:
        self.is_diploid = scores.model.steps.haploid.ploidy == "diploid"
        self._scores = scores
        self._samples = samples
        self._joiner = SiteJoiner(scores.sites)
        weights = scores.weights.weights
        joined = weights.variant_idx >= SITES
        on_y = is_among(weights.variant_idx, ploidy.haploid.y)
        on_y[joined] = is_among(scores.sites.last, ploidy.haploid.y)
        if ploidy.has_y.all():
            on_y[:] = False
        self._parts = [
            _Part(open_kernel(_rows(weights, chosen), samples, threads, device), is_site, ploidy.has_y if y else None)
            for is_site in (False, True)
            for y in (False, True)
            if (chosen := (joined == is_site) & (on_y == y)).any() or not (is_site or y)
        ]

    @property
    def wanted(self) -> Numbers:
        """The variants that some score has a weight of."""
        return self._scores.weights.records

    def add(self, chunk: GenotypeChunk) -> None:
        """Add the chunk, and the sites that it completes, to the sums."""
        sites = self._joiner.add(chunk)
        for part in self._parts:
            for one in sites if part.joined else [chunk]:
                part.kernel.add(one)

    def finish(self) -> Answer:
        """The columns of the model, but for adjusted ones."""
        outputs = [field.name for field in self._scores.model.card.outputs]
        if not self._scores.groups:
            first = f"{self._scores.low[0]}: {self._scores.why}"
            detail = f"no score has enough of its variants here; see stages/match/rows. {first}"
            return refused(Status.LOW_OVERLAP, detail, outputs, self._samples)
        sums = self._scores.weights.fold(self._sums())
        known = self._known(sums)
        values = {name: column for name, column in self._columns(sums, known).items() if name in outputs}
        scored = np.flatnonzero(known.any(axis=1)).tolist()
        statuses = [Status.LOW_OVERLAP] * self._samples
        details: list[str | None] = [_NO_CALL] * self._samples
        for row in scored:
            statuses[row], details[row] = Status.OK, None
        return Answer(values, statuses, details)

    def _known(self, sums: Sums) -> NDArray[np.bool_]:
        """(samples, scores) whether any allele was called or filled in: a sum over none is no score."""
        group = self._scores.weights.group
        if (group < 0).any():
            return np.ones((self._samples, len(group)), np.bool_)
        return np.asarray(sums.denominator[:, group] > 0)

    def _sums(self) -> Sums:
        first, *others = [(part.kernel.finish(), part.counts) for part in self._parts]
        sums = first[0]
        for more, counts in others:
            chosen = np.ones((self._samples, 1), np.bool_) if counts is None else counts[:, None]
            sums = Sums(
                total=sums.total + np.where(chosen, more.total, 0.0),
                allele_count=sums.allele_count + np.where(chosen, more.allele_count, 0),
                denominator=sums.denominator + np.where(chosen, more.denominator, 0),
                named_dosage=sums.named_dosage + np.where(chosen, more.named_dosage, 0.0),
            )
        return sums

    def _columns(self, sums: Sums, known: NDArray[np.bool_]) -> dict[str, Any]:
        weights, groups = self._scores.weights, self._scores.groups
        nothing = pa.nulls(self._samples, pa.float64())
        columns: dict[str, Any] = {}
        asked = self._scores.model.steps.columns
        for low in self._scores.low:
            columns |= {low: nothing, average_name(low): nothing}
        for place, score in enumerate(weights.scores):
            total = sums.total[:, place]
            columns[score] = pa.array(total, mask=~known[:, place])
            if not asked.average:
                continue
            alleles = sums.denominator[:, weights.group[place]]
            average = np.divide(total, alleles, out=np.zeros(len(total)), where=alleles > 0)
            columns[average_name(score)] = pa.array(average, mask=alleles == 0)
        columns[LOW_OVERLAP] = self._low_lists(known)
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

    def _low_lists(self, known: NDArray[np.bool_]) -> pa.Array:
        """Names of the scores that are null, of every sample, in the order of the directory."""
        low = self._scores.low
        everybody = pa.repeat(pa.scalar(low, pa.list_(pa.string())), self._samples)
        if known.all():
            return everybody
        names, lists = self._scores.model.card.settings["scores"], everybody.to_pylist()
        for row in np.flatnonzero(~known.all(axis=1)).tolist():
            lacking = {*low, *np.array(self._scores.weights.scores)[~known[row]].tolist()}
            lists[row] = [name for name in names if name in lacking]
        return pa.array(lists, pa.list_(pa.string()))


def _may_lack_all(weights: ScoreWeights, variants: pl.DataFrame) -> bool:
    """Whether a sample may have no allele of a score: where a missing call is not filled in, and on Y."""
    on_y = variants.filter(pl.col("chrom") == Y)["variant_idx"].to_numpy()
    return bool(np.isnan(weights.weights.fill).any() or is_among(weights.records, on_y).any())


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
