"""From lines of VCF to variants of the genotype table: one an alternative."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.status import Status
from workers.genomics.convert_vcf import dosages
from workers.genomics.convert_vcf.genotypes import ABSENT, MISSING, POLYPLOID, AlleleCalls, parse_calls
from workers.genomics.convert_vcf.lines import Line
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.convert_vcf.sites import Refused, Site, site_of
from workers.genomics.kernels.codes import pack
from workers.genomics.table.layout import CONVERTED, DOSAGE_MISSING, DOSAGE_ONE, SKIPPED, SPLIT, UNREADABLE
from workers.genomics.table.records import VARIANT_GIVEN, Calls, Records, no_calls, outcomes_frame

_NO_ALLELE = "a call names an allele that the record does not have"
_NO_CALLS = -1
_CERTAIN = 0.1
"""Where a record has dosages and no calls, one this near to a whole number is a call (PLINK 2's default)."""


def records_of(lines: Sequence[Line], samples: int, source: VcfInput) -> Records:
    """Every line in order, with what became of it."""
    sites = [site_of(line, samples, source) for line in lines]
    called = [at for at, site in enumerate(sites) if isinstance(site, Site) and site.gt]
    calls = parse_calls([sites[at].genotypes for at in called], samples)  # type: ignore[union-attr]
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
        self._first, self._second = _without_halves(calls.first, calls.second, source.half_calls)
        self._outcomes: list[dict[str, Any]] = []
        self._variants: list[tuple[Any, ...]] = []
        self._rows: list[int] = []
        self._numbers: list[int] = []
        self._copies: dict[int, NDArray[np.float64]] = {}

    def add(self, record: int, site: Site, row: int) -> Refused | None:
        """The variants of one line; why there are none, otherwise."""
        found = None
        if site.dosage is not None:
            found = dosages.parse_dosages(site.genotypes, site.dosage, max(1, site.n_alleles - 1))
            if found is None:
                return _refused(site, dosages.MALFORMED)
        if row != _NO_CALLS:
            if row in self._trouble:
                return _refused(site, self._trouble[row])
            if self._most[row] >= site.n_alleles:
                return _refused(site, _NO_ALLELE)
        for number, alt in site.alts or ((1, None),):
            if found is not None:
                self._copies[len(self._variants)] = found[number - 1]
            self._variants.append((site.chrom, site.pos, site.id, site.ref, alt, site.n_alleles, record))
            self._rows.append(row)
            self._numbers.append(number)
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
        if not self._variants:
            return no_calls(self._samples)
        codes = np.zeros((len(self._rows), self._samples), np.int8)
        single = np.zeros(codes.shape, np.bool_)
        rows, numbers = np.array(self._rows), np.array(self._numbers, np.int16)
        called = rows != _NO_CALLS
        first, second = self._first[rows[called]], self._second[rows[called]]
        codes[called], single[called] = _codes(first, second, numbers[called, None], self._source.other_alts)
        haploid = np.packbits(single, axis=1, bitorder="little") if single.any() else None
        dosage = has = None
        if self._copies:
            dosage, has = np.zeros(codes.shape, np.uint16), np.zeros(len(codes), np.bool_)
            for at, copies in self._copies.items():
                dosage[at], has[at] = _fixed_point(copies, single[at]), True
                if not called[at]:
                    codes[at] = _certain(copies)
        return Calls(pack(codes), haploid, dosage, has)


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
    first: NDArray[np.int16], second: NDArray[np.int16], number: NDArray[np.int16], other_alts: str
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """(variants, samples) codes of one alternative each, and which calls are haploid.

    A lone `.` may be the missing call of one allele or, as some tools write it, of two: it is haploid where somebody in
    the record has a haploid call that is not missing.
    """
    single = second == ABSENT
    missing = (first == MISSING) | (second == MISSING)
    if single.any():
        single &= (single & ~missing).any(axis=1, keepdims=True)
    if other_alts == "missing":
        missing |= ((first > 0) & (first != number)) | ((second > 0) & (second != number))
    codes = (first == number).astype(np.int8)
    codes += second == number
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
