"""Joined sites made of the records of chunks as these come by."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes.ploidy import Numbers, is_among
from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.kernels.joining import Copies, SiteRecords, codes_of, join
from workers.genomics.scores.joined import SITES, JoinedSites
from workers.genomics.scores.target import STAR

_OF_CODE = np.array([0, 1, 2, np.nan], np.float32)

_Held = tuple[Copies, NDArray[np.bool_], bool]
"""Copies and ploidy of a record, and whether they are dosages."""


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
            self._held[int(chunk.variant_idx[row])] = _record(chunk, row)
        numbers = np.flatnonzero(np.isin(self._plan.last, chunk.variant_idx[rows])).tolist()
        joined = [(number, *self._join(number)) for number in numbers]
        parts = [[one for one in joined if one[3] == dosed] for dosed in (False, True)]
        return [_chunk(part, chunk.samples) for part in parts if part]

    def _join(self, number: int) -> _Held:
        members = self._plan.sites.members[number]
        held = [self._held[member] for member in members]
        copies, haploid = join(
            np.stack([h[0] for h in held]), np.stack([h[1] for h in held]), self._plan.of_site[number]
        )
        for member in members:
            self._uses[member] -= 1
            if not self._uses[member]:
                del self._held[member]
        return copies, haploid, any(h[2] for h in held)


def _uses(members: Sequence[tuple[int, ...]]) -> dict[int, int]:
    """How many sites each record belongs to."""
    found: dict[int, int] = {}
    for site in members:
        for record in site:
            found[record] = found.get(record, 0) + 1
    return found


def _record(chunk: GenotypeChunk, row: int) -> _Held:
    haploid = np.zeros(chunk.samples, np.bool_)
    if chunk.haploid is not None:
        haploid = np.unpackbits(chunk.haploid[row], count=chunk.samples, bitorder="little").astype(np.bool_)
    if chunk.dosage is not None:
        return chunk.dosage[row].copy(), haploid, True
    return _OF_CODE[unpack(chunk.packed[row : row + 1], chunk.samples)[0]], haploid, False


def _chunk(joined: Sequence[tuple[int, Copies, NDArray[np.bool_], bool]], samples: int) -> GenotypeChunk:
    copies = np.stack([one[1] for one in joined])
    haploid = np.stack([one[2] for one in joined])
    numbers: Numbers = SITES + np.array([one[0] for one in joined], np.int64)
    return GenotypeChunk(
        numbers,
        samples,
        pack(codes_of(copies)),
        copies if joined[0][3] else None,
        np.packbits(haploid, axis=1, bitorder="little") if haploid.any() else None,
    )
