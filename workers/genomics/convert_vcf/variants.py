"""From lines of VCF to variants of the genotype table: one an alternative."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.status import Status
from workers.genomics.convert_vcf import dosages
from workers.genomics.convert_vcf.allele_calls import codes_of, without_halves, without_left_out
from workers.genomics.convert_vcf.dosages import Dosages, numbers_of
from workers.genomics.convert_vcf.genotypes import MISSING, POLYPLOID, AlleleCalls, parse_calls
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import DOSAGE, MIN_DP, MIN_GQ, MIN_INFO, VcfInput
from workers.genomics.convert_vcf.sites import Refused, Site, site_of
from workers.genomics.kernels.codes import certain_calls, pack
from workers.genomics.table.layout import CONVERTED, DOSAGE_MISSING, DOSAGE_ONE, SKIPPED, SPLIT, UNREADABLE
from workers.genomics.table.records import VARIANT_GIVEN, Calls, Records, no_calls, outcomes_frame

_NO_ALLELE = "a call names an allele that the record does not have"
_NO_CALLS = -1
_OTHERS = 1e-3
"""Dosage of alternatives that were left out from which on those of the others say too little."""


def records_of(lines: Sequence[Line], samples: int, source: VcfInput) -> Records:
    """Every line in order, with what became of it."""
    sites = [site_of(line, samples, source) for line in lines]
    called = [at for at, site in enumerate(sites) if isinstance(site, Site) and site.fields.gt is not None]
    calls = parse_calls([sites[at].calls for at in called], samples)  # type: ignore[union-attr]  # those with calls are sites
    row_of = {at: row for row, at in enumerate(called)}
    batch = _Batch(calls, source)
    for at, site in enumerate(sites):
        refused = site if isinstance(site, Refused) else batch.add(at, site, row_of.get(at, _NO_CALLS))
        batch.outcome(site, refused)
    return batch.records()


class _Batch:
    """Variants and outcomes of some lines."""

    def __init__(self, calls: AlleleCalls, source: VcfInput) -> None:
        self._samples = calls.first.shape[1]
        self._source = source
        self._trouble = calls.trouble
        self._most = np.maximum(calls.first.max(axis=1), calls.second.max(axis=1)).tolist()
        self._first, self._second = without_halves(calls.first, calls.second, source.half_calls)
        self._outcomes: list[dict[str, Any]] = []
        self._variants: list[tuple[Any, ...]] = []
        self._rows: list[int] = []
        self._numbers: list[int] = []
        self._left_out: dict[int, list[int]] = {}
        self._copies: dict[int, tuple[NDArray[np.float64], NDArray[np.bool_]]] = {}
        self._applied: set[str] = {MIN_INFO} if source.min_info else set()
        self._counts: dict[str, int | None] = {}

    def add(self, record: int, site: Site, row: int) -> Refused | None:
        """The variants of one line; why there are none, otherwise."""
        self._counts = {}
        alleles, found = site.alleles, None
        if site.fields.has_dosage and (alleles.alts or alleles.count == 1):
            found = _dosages_of(site, self._source.dosage or "")
            if found is None:
                return _refused(site, dosages.MALFORMED)
            self._applied.add(DOSAGE)
        elif row == _NO_CALLS:
            return Refused(SKIPPED, Status.UNSUPPORTED, "it has dosages of no alternative", site.chrom, site.pos)
        if row != _NO_CALLS:
            if row in self._trouble:
                return _refused(site, self._trouble[row])
            if self._most[row] >= alleles.count:
                return _refused(site, _NO_ALLELE)
        self._count(site, row, found)
        for number, alt in alleles.alts or ((1, None),):
            if found is not None:
                self._copies[len(self._variants)] = found.copies[number - 1], found.single
            if alleles.left_out:
                self._left_out[len(self._variants)] = alleles.left_out
            self._variants.append((site.chrom, site.pos, site.id, alleles.ref, alt, alleles.count, record, site.end))
            self._rows.append(row)
            self._numbers.append(number)
        return None

    def _count(self, site: Site, row: int, found: Dosages | None) -> None:
        """Take out what filters and alleles that were left out leave unknown, and count what falls back on calls."""
        poor = self._poor(site)
        if poor is not None:
            known = self._first[row] != MISSING if row != _NO_CALLS else np.ones(self._samples, np.bool_)
            self._counts["n_filtered"] = int((poor & known).sum())
            if row != _NO_CALLS:
                self._first[row][poor] = MISSING
        if found is None:
            if self._source.dosage is not None and row != _NO_CALLS:
                self._counts["n_undosed"] = self._samples
            return
        if site.alleles.left_out:
            others = np.nan_to_num(found.copies[[number - 1 for number in site.alleles.left_out]]).sum(axis=0)
            found.copies[:, others > _OTHERS] = np.nan
        absent = np.isnan(found.copies).all(axis=0)
        if row != _NO_CALLS:
            self._counts["n_undosed"] = int((absent & (self._first[row] != MISSING)).sum())
        if poor is not None:
            found.copies[:, poor] = np.nan

    def _poor(self, site: Site) -> NDArray[np.bool_] | None:
        """Samples whose GQ or DP is too low; None where nobody's is asked for or written. What is not written is not
        low."""
        asked = (
            (MIN_GQ, site.fields.gq, self._source.min_gq),
            (MIN_DP, site.fields.dp, self._source.min_dp),
        )
        poor = None
        for name, place, least in asked:
            if place is None or least is None:
                continue
            self._applied.add(name)
            low = numbers_of(site.genotypes, place) < least
            poor = low if poor is None else poor | low
        return poor

    def outcome(self, site: Site | Refused, refused: Refused | None) -> None:
        """What became of a line."""
        if refused is not None:
            row = {name: getattr(refused, name) for name in ("outcome", "reason", "chrom", "pos")}
            self._outcomes.append({**row, "status": str(refused.status), "n_variants": 0})
            return
        assert isinstance(site, Site)
        count = max(1, len(site.alleles.alts))
        row = {"chrom": site.chrom, "pos": site.pos, "reason": site.alleles.note, "n_variants": count, **self._counts}
        self._outcomes.append({**row, "status": str(Status.OK), "outcome": SPLIT if count > 1 else CONVERTED})

    def records(self) -> Records:
        """All of them."""
        variants = pl.DataFrame(self._variants, schema=VARIANT_GIVEN, orient="row")
        return Records(outcomes_frame(self._outcomes), variants, self._calls(), frozenset(self._applied))

    def _calls(self) -> Calls:
        if not self._variants:
            return no_calls(self._samples)
        codes = np.zeros((len(self._rows), self._samples), np.int8)
        single = np.zeros(codes.shape, np.bool_)
        rows, numbers = np.array(self._rows), np.array(self._numbers, np.int16)
        called = rows != _NO_CALLS
        first, second = self._first[rows[called]], self._second[rows[called]]
        place = np.cumsum(called) - 1
        left_out = {int(place[at]): gone for at, gone in self._left_out.items() if called[at]}
        without_left_out(first, second, left_out)
        codes[called], single[called] = codes_of(first, second, numbers[called, None], self._source.other_alts)
        for at in np.flatnonzero(~called).tolist():
            copies, single[at] = self._copies[at]
            codes[at] = certain_calls(copies, single[at])
        dosage, has = self._stored(codes, single, called)
        haploid = np.packbits(single, axis=1, bitorder="little") if single.any() else None
        return Calls(pack(codes), haploid, dosage, has)

    def _stored(
        self, codes: NDArray[np.int8], single: NDArray[np.bool_], called: NDArray[np.bool_]
    ) -> tuple[NDArray[np.uint16] | None, NDArray[np.bool_] | None]:
        """Dosages as they are stored. A sample without one has its call's: writers leave out what the call says."""
        if not self._copies:
            return None, None
        dosage, has = np.zeros(codes.shape, np.uint16), np.zeros(len(codes), np.bool_)
        for at, (copies, doubled) in self._copies.items():
            # A call of one allele has from 0 to 1 copies, and counts double as its code does.
            whole = np.where(single[at] & ~doubled, 2 * copies, copies).clip(0, 2)
            if called[at]:
                whole = np.where(np.isnan(whole) & (codes[at] != 3), codes[at], whole)
            scaled = np.rint(whole * DOSAGE_ONE)
            dosage[at], has[at] = np.where(np.isnan(scaled), DOSAGE_MISSING, scaled).astype(np.uint16), True
        return dosage, has


def _dosages_of(site: Site, name: str) -> Dosages | None:
    """Those of the field that is asked for, and where HDS has none, of DS; None where one is not written as it should
    be."""
    alts, fields = max(1, site.alleles.count - 1), site.fields
    if fields.dosage is None:
        return dosages.parse_dosages(site.genotypes, fields.plain or 0, alts)
    found = dosages.parse_dosages(site.genotypes, fields.dosage, alts, name)
    if found is None or fields.plain is None:
        return found
    plain = dosages.parse_dosages(site.genotypes, fields.plain, alts)
    if plain is None:
        return None
    return Dosages(np.where(np.isnan(found.copies), plain.copies, found.copies), found.single)


def _refused(site: Site, reason: str) -> Refused:
    if reason == POLYPLOID:
        return Refused(SKIPPED, Status.UNSUPPORTED, reason, site.chrom, site.pos)
    return Refused(UNREADABLE, Status.UNREADABLE, reason, site.chrom, site.pos)
