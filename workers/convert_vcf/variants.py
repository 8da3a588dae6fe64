"""From lines of VCF to variants of the genotype table: one an alternative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.status import Status
from workers.convert_vcf import dosages
from workers.convert_vcf.genotypes import ABSENT, MISSING, POLYPLOID, AlleleCalls, parse_calls
from workers.convert_vcf.lines import Line
from workers.convert_vcf.settings import VcfInput
from workers.convert_vcf.sites import Refused, Site, site_of
from workers.genetics.packed import pack
from workers.genetics.table_layout import CONVERTED, DOSAGE_MISSING, DOSAGE_ONE, SKIPPED, SPLIT, UNREADABLE
from workers.genetics.table_records import VARIANT_GIVEN, Calls, Records, no_calls, outcomes_frame

_NO_ALLELE = "a call names an allele that the record does not have"
_CERTAIN = 0.1
"""Where a record has dosages and no calls, one this near to a whole number is a call (PLINK 2's default)."""


def records_of(lines: Sequence[Line], samples: int, source: VcfInput) -> Records:
    """Every line in order, with what became of it."""
    sites = [site_of(line, samples, source) for line in lines]
    called = [at for at, site in enumerate(sites) if isinstance(site, Site) and site.gt]
    calls = parse_calls([sites[at].genotypes for at in called], samples)  # type: ignore[union-attr]
    row_of = {at: row for row, at in enumerate(called)}
    batch = _Batch(samples, source)
    for at, site in enumerate(sites):
        refused = site if isinstance(site, Refused) else batch.add(at, site, calls, row_of.get(at))
        batch.outcome(site, refused)
    return batch.records()


class _Batch:
    """Variants and outcomes of some lines."""

    def __init__(self, samples: int, source: VcfInput) -> None:
        self._samples = samples
        self._source = source
        self._outcomes: list[dict[str, Any]] = []
        self._variants: list[tuple[Any, ...]] = []
        self._codes: list[NDArray[np.int8]] = []
        self._single: list[NDArray[np.bool_]] = []
        self._dosages: dict[int, NDArray[np.uint16]] = {}

    def add(self, record: int, site: Site, calls: AlleleCalls, row: int | None) -> Refused | None:
        """The variants of one line; why there are none, otherwise."""
        found = None
        if site.dosage is not None:
            found = dosages.parse_dosages(site.genotypes, site.dosage, max(1, site.n_alleles - 1))
            if found is None:
                return _refused(site, dosages.MALFORMED)
        if row is not None:
            if row in calls.trouble:
                return _refused(site, calls.trouble[row])
            first, second = calls.first[row], calls.second[row]
            if max(first.max(), second.max()) >= site.n_alleles:
                return _refused(site, _NO_ALLELE)
            first, second = _without_halves(first, second, self._source.half_calls)
        for number, alt in site.alts or ((1, None),):
            copies = None if found is None else found[number - 1]
            if row is None:
                assert copies is not None
                codes, single = _certain(copies), np.zeros(self._samples, bool)
            else:
                codes, single = _codes(first, second, number, self._source.other_alts)
            if copies is not None:
                self._dosages[len(self._variants)] = _fixed_point(copies, single)
            self._variants.append((site.chrom, site.pos, site.id, site.ref, alt, site.n_alleles, record))
            self._codes.append(codes)
            self._single.append(single)
        return None

    def outcome(self, site: Site | Refused, refused: Refused | None) -> None:
        """What became of a line."""
        if refused is not None:
            row = {name: getattr(refused, name) for name in ("outcome", "reason", "chrom", "pos")}
            self._outcomes.append({**row, "status": str(refused.status), "n_variants": 0})
            return
        assert isinstance(site, Site)
        count = max(1, len(site.alts))
        row = {"chrom": site.chrom, "pos": site.pos, "reason": site.note, "n_variants": count}
        self._outcomes.append({**row, "status": str(Status.OK), "outcome": SPLIT if count > 1 else CONVERTED})

    def records(self) -> Records:
        """All of them."""
        variants = pl.DataFrame(self._variants, schema=VARIANT_GIVEN, orient="row")
        return Records(outcomes_frame(self._outcomes), variants, self._calls())

    def _calls(self) -> Calls:
        if not self._codes:
            return no_calls(self._samples)
        single = np.stack(self._single)
        haploid = np.packbits(single, axis=1, bitorder="little") if single.any() else None
        dosage = has = None
        if self._dosages:
            dosage = np.zeros((len(self._codes), self._samples), np.uint16)
            has = np.zeros(len(self._codes), bool)
            for row, values in self._dosages.items():
                dosage[row], has[row] = values, True
        return Calls(pack(np.stack(self._codes)), haploid, dosage, has)


def _refused(site: Site, reason: str) -> Refused:
    if reason == POLYPLOID:
        return Refused(SKIPPED, Status.UNSUPPORTED, reason, site.chrom, site.pos)
    return Refused(UNREADABLE, Status.UNREADABLE, reason, site.chrom, site.pos)


def _without_halves(
    first: NDArray[np.int16], second: NDArray[np.int16], mode: str
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Calls of which one allele is missing become what the settings say."""
    half = (second != ABSENT) & ((first == MISSING) != (second == MISSING))
    if not half.any():
        return first, second
    known = np.maximum(first, second)
    match mode:
        case "haploid":
            return np.where(half, known, first), np.where(half, ABSENT, second)
        case "reference":
            return np.where(half, 0, first), np.where(half, known, second)
        case _:
            return np.where(half, MISSING, first), np.where(half, MISSING, second)


def _codes(
    first: NDArray[np.int16], second: NDArray[np.int16], number: int, other_alts: str
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Codes of one alternative, and which calls are haploid.

    A lone `.` may be the missing call of one allele or, as some tools write it, of two: it is haploid where somebody in
    the record has a haploid call that is not missing.
    """
    single = second == ABSENT
    missing = (first == MISSING) | (second == MISSING)
    if not (single & ~missing).any():
        single = np.zeros_like(single)
    if other_alts == "missing":
        missing |= ((first > 0) & (first != number)) | ((second > 0) & (second != number))
    codes = (first == number).astype(np.int8) + (second == number)
    codes[single] *= 2
    codes[missing] = 3
    return codes, single


def _certain(copies: NDArray[np.float64]) -> NDArray[np.int8]:
    whole = np.rint(copies)
    sure = np.abs(copies - whole) <= _CERTAIN
    return np.where(sure, whole, 3).astype(np.int8)


def _fixed_point(copies: NDArray[np.float64], single: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """As stored. A haploid call has from 0 to 1 copies, and counts double as its code does."""
    scaled = np.rint(np.where(single, 2 * copies, copies).clip(0, 2) * DOSAGE_ONE)
    return np.where(np.isnan(scaled), DOSAGE_MISSING, scaled).astype(np.uint16)
