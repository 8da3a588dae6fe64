"""Joined sites made of the records of chunks as these come by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes.ploidy import Numbers, is_among
from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.kernels.joining import Copies, SiteRecords, codes_of, join, join_calls
from workers.genomics.scores.joined import SITES, JoinedSites
from workers.genomics.scores.target import STAR

_OF_CODE = np.array([0, 1, 2, np.nan], np.float32)


@dataclass(frozen=True)
class _Held:
    """A record, or a joined site, as a row of `GenotypeChunk` has it."""

    packed: NDArray[np.uint8]
    dosage: Copies | None
    haploid: NDArray[np.uint8] | None

    @classmethod
    def of(cls, chunk: GenotypeChunk, row: int) -> _Held:
        """Copied: chunks are let go."""
        dosage = None if chunk.dosage is None else chunk.dosage[row].copy()
        haploid = None if chunk.haploid is None or not chunk.haploid[row].any() else chunk.haploid[row].copy()
        return cls(chunk.packed[row].copy(), dosage, haploid)

    def copies(self, samples: int) -> Copies:
        """(samples,) of ALT, NaN where missing."""
        return _OF_CODE[unpack(self.packed[None], samples)[0]] if self.dosage is None else self.dosage

    def single(self, samples: int) -> NDArray[np.bool_]:
        """(samples,) whose calls have one allele."""
        if self.haploid is None:
            return np.zeros(samples, np.bool_)
        return np.unpackbits(self.haploid, count=samples, bitorder="little").astype(np.bool_)


class SitePlan:
    """What is the same for every shard: the sites, and what their records are. `variants` are those of the source."""

    def __init__(self, sites: JoinedSites, variants: pl.DataFrame) -> None:
        self.sites = sites
        self.records = sites.records
        index = variants["variant_idx"].to_numpy()
        at = np.searchsorted(index, self.records)
        named = variants[at]
        line = named["record"].to_numpy() if "record" in variants.columns else self.records
        star = (named["alt"] == STAR).fill_null(value=False).to_numpy()
        places = [np.searchsorted(self.records, members) for members in sites.members]
        self.of_site = [SiteRecords(line[place], star[place]) for place in places]
        self.last = np.array([members[-1] for members in sites.members], np.int64)


class SiteJoiner:
    """Holds records of sites that are not complete yet; mostly they follow each other."""

    def __init__(self, plan: SitePlan) -> None:
        self._plan = plan
        self._held: dict[int, _Held] = {}
        self._uses = _uses(plan.sites.members)

    def add(self, chunk: GenotypeChunk) -> list[GenotypeChunk]:
        """The sites of which the last record is in this chunk: those of calls, and those of dosages."""
        rows = np.flatnonzero(is_among(chunk.variant_idx, self._plan.records))
        if not len(rows):
            return []
        for row in rows.tolist():
            self._held[int(chunk.variant_idx[row])] = _Held.of(chunk, row)
        numbers = np.flatnonzero(np.isin(self._plan.last, chunk.variant_idx[rows])).tolist()
        joined = [(number, self._join(number, chunk.samples)) for number in numbers]
        parts = [[one for one in joined if (one[1].dosage is not None) == dosed] for dosed in (False, True)]
        return [_chunk(part, chunk.samples) for part in parts if part]

    def _join(self, number: int, samples: int) -> _Held:
        members = self._plan.sites.members[number]
        held = [self._held[member] for member in members]
        for member in members:
            self._uses[member] -= 1
            if not self._uses[member]:
                del self._held[member]
        records = self._plan.of_site[number]
        if records.is_sum and _are_calls_alike(held):
            return _Held(join_calls([one.packed for one in held]), None, held[0].haploid)
        copies, single = join(
            np.stack([one.copies(samples) for one in held]), np.stack([one.single(samples) for one in held]), records
        )
        dosed = any(one.dosage is not None for one in held)
        haploid = np.packbits(single, bitorder="little") if single.any() else None
        return _Held(pack(codes_of(copies)[None])[0], copies if dosed else None, haploid)


def _are_calls_alike(held: Sequence[_Held]) -> bool:
    """Whether they are calls and no dosages, and the same of them have one allele in every record."""
    if any(one.dosage is not None for one in held):
        return False
    bits = [one.haploid for one in held if one.haploid is not None]
    return not bits or (len(bits) == len(held) and all(np.array_equal(one, bits[0]) for one in bits[1:]))


def _uses(members: Sequence[tuple[int, ...]]) -> dict[int, int]:
    """How many sites each record belongs to."""
    found: dict[int, int] = {}
    for site in members:
        for record in site:
            found[record] = found.get(record, 0) + 1
    return found


def _chunk(joined: Sequence[tuple[int, _Held]], samples: int) -> GenotypeChunk:
    numbers: Numbers = SITES + np.array([number for number, _ in joined], np.int64)
    dosage = [one.dosage for _, one in joined if one.dosage is not None]
    none = np.zeros(-(-samples // 8), np.uint8)
    haploid = [none if one.haploid is None else one.haploid for _, one in joined]
    return GenotypeChunk(
        numbers,
        samples,
        np.stack([one.packed for _, one in joined]),
        np.stack(dosage) if dosage else None,
        np.stack(haploid) if any(bits.any() for bits in haploid) else None,
    )
