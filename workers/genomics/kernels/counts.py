"""What is counted of packed calls by variant, without unpacking them: words of 64 bits, by their bits."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.chromosomes import FEMALE, MALE, MT, X, Y
from workers.genomics.contract import COUNT_SCHEMA, GenotypeChunk
from workers.genomics.kernels.codes import row_bytes
from workers.genomics.kernels.machine import compiled

_WORD = 8
_PAIRS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_OCTETS = np.uint64(0x0101010101010101)
_ONE, _TWO, _FOUR, _TOP = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_BLOCK = 1 << 17
"""Bytes that are counted at a time: they stay in the cache of a core."""

_SPREAD = np.zeros((256, 8), np.uint16)
for _bit in range(8):
    _SPREAD[:, _bit] = (np.arange(256) >> _bit & 1) << (2 * _bit)
SPREAD: NDArray[np.uint16] = _SPREAD.sum(axis=1).astype("<u2")
"""Eight bits, each at the low bit of its 2-bit field."""


def sample_mask(chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(ceil(samples / 4),) with the low bit set in the field of every chosen sample."""
    bits = np.packbits(chosen, bitorder="little")
    return SPREAD[bits].view(np.uint8)[: row_bytes(len(chosen))]


def haploid_mask(haploid: NDArray[np.uint8], samples: int) -> NDArray[np.uint8]:
    """`GenotypeChunk.haploid` as fields, (variants, ceil(samples / 4))."""
    return SPREAD[haploid].view(np.uint8)[:, : row_bytes(samples)]


def count_calls(packed: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(variants, 4): samples by call (hom_ref, het, hom_alt, missing) among those of `mask`.

    `mask` is one row for all variants, or one for each.
    """
    variants, width = packed.shape
    counts = np.empty((variants, 4), np.int64)
    rows = max(1, _BLOCK // max(1, width))
    shared = words_of(mask[None]) if mask.ndim == 1 else None
    for at in range(0, variants, rows):
        words = words_of(packed[at : at + rows])
        fields = shared if shared is not None else words_of(mask[at : at + rows])
        _count_words(words, fields, counts[at : at + rows])
    return counts


@compiled
def _bits(fields):  # type: ignore[no-untyped-def]  # numba infers the types
    """How many fields of a word are 1, none being more: added by pairs, nibbles and bytes."""
    nibbles = (fields & _PAIRS) + ((fields >> _TWO) & _PAIRS)
    octets = (nibbles + (nibbles >> _FOUR)) & _NIBBLES
    return (octets * _OCTETS) >> _TOP


@compiled
def _count_words(words, fields, counts):  # type: ignore[no-untyped-def]  # numba infers the types
    for variant in range(words.shape[0]):
        # One row of fields may serve all variants.
        row, of = words[variant], fields[variant if fields.shape[0] > 1 else 0]
        everybody, low, high, both = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        for at in range(row.shape[0]):
            first, second = row[at] & of[at], (row[at] >> _ONE) & of[at]
            everybody += _bits(of[at])
            low += _bits(first)
            high += _bits(second)
            both += _bits(first & second)
        # 00 is hom_ref, 01 het, 10 hom_alt, 11 missing: `low` counts het and missing, `high` hom_alt and missing.
        counts[variant, 0] = everybody + both - low - high
        counts[variant, 1] = low - both
        counts[variant, 2] = high - both
        counts[variant, 3] = both


def words_of(packed: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The same bits as 64-bit words, each row filled up with zeros."""
    variants, width = packed.shape
    whole = -(-width // _WORD) * _WORD
    if whole == width and packed.flags.c_contiguous:
        return packed.view(np.uint64)
    padded = np.zeros((variants, whole), np.uint8)
    padded[:, :width] = packed
    return padded.view(np.uint64)


@dataclass(frozen=True)
class Counts:
    """What was counted of some variants among all samples. On Y only men are counted, in every column."""

    variant_idx: NDArray[np.int64]
    calls: NDArray[np.int64]
    """(variants, 4) hom_ref, het, hom_alt, missing"""
    alt_count: NDArray[np.float64]
    allele_count: NDArray[np.int64]
    x_rows: NDArray[np.int64]
    """which rows are on X"""
    women: NDArray[np.int64]
    """(x_rows, 4) calls of women"""
    men: NDArray[np.int64]
    """(x_rows, 4) calls of men"""

    def table(self) -> pl.DataFrame:
        """The counts as rows of `COUNT_SCHEMA`."""
        names = ("hom_ref", "het", "hom_alt", "missing")
        return pl.DataFrame(
            {
                "variant_idx": self.variant_idx,
                "alt_count": self.alt_count,
                "allele_count": self.allele_count,
                **{name: self.calls[:, at] for at, name in enumerate(names)},
            },
            schema=COUNT_SCHEMA,
        )


class CohortCounter:
    """Counts chunks of one range of samples, whose `sex` is 1 male, 2 female, 0 unknown.

    As plink2 counts: men have one allele on X, everybody one on MT, and on Y only men are counted; a call that the
    source wrote with one allele has one. A heterozygous call of one who has one allele is half a copy.
    """

    def __init__(self, sex: NDArray[np.int8]) -> None:
        self._men = sample_mask(sex == MALE)
        self._women = sample_mask(sex == FEMALE)
        self._all = sample_mask(np.ones(len(sex), np.bool_))
        self._none = np.zeros_like(self._all)

    def count(self, chunk: GenotypeChunk, chrom: NDArray[np.object_] | list[str] | pl.Series) -> Counts:
        """`chrom` is each variant's, normalised."""
        names = np.asarray(chrom, dtype=object)
        variants = len(chunk.variant_idx)
        calls = np.empty((variants, 4), np.int64)
        alleles, alts = np.empty(variants, np.int64), np.empty(variants)
        x_rows, y_rows, mt_rows = (np.flatnonzero(names == name) for name in (X, Y, MT))
        special = np.isin(np.arange(variants), np.concatenate([x_rows, y_rows, mt_rows]))
        for rows, cohort, haploid in (
            (np.flatnonzero(~special), self._all, self._none),
            (x_rows, self._all, self._men),
            (y_rows, self._men, self._men),
            (mt_rows, self._all, self._all),
        ):
            if len(rows):
                calls[rows], alts[rows], alleles[rows] = self._class(chunk, rows, cohort, haploid)
        on_x = chunk.packed[x_rows]
        women, men = count_calls(on_x, self._women), count_calls(on_x, self._men)
        return Counts(chunk.variant_idx, calls, alts, alleles, x_rows, women, men)

    def _class(
        self, chunk: GenotypeChunk, rows: NDArray[np.int64], cohort: NDArray[np.uint8], haploid: NDArray[np.uint8]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        every = len(rows) == len(chunk.variant_idx)
        packed = chunk.packed if every else chunk.packed[rows]
        if chunk.haploid is not None:
            haploid = (haploid | haploid_mask(chunk.haploid[rows], chunk.samples)) & cohort
        calls = count_calls(packed, cohort)
        if chunk.dosage is not None:
            alts, alleles = _dosages(chunk.dosage[rows], cohort, haploid)
        else:
            alts = calls[:, 1] + 2.0 * calls[:, 2]
            alleles = 2 * calls[:, :3].sum(axis=1)
            if haploid.any():
                single = count_calls(packed, haploid)
                # Counted as two alleles above; a call of one allele has half of both.
                alts -= 0.5 * single[:, 1] + single[:, 2]
                alleles -= single[:, :3].sum(axis=1)
        return calls, alts, alleles


def _dosages(
    dosage: NDArray[np.float32], cohort: NDArray[np.uint8], haploid: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    samples = dosage.shape[1]
    counted = chosen(cohort, samples)
    ploidy = 2 * counted.astype(np.int8) - chosen(haploid, samples)
    known = ~np.isnan(dosage)
    alts = (np.where(known, dosage, 0).astype(np.float64) * (0.5 * ploidy)).sum(axis=1)
    return alts, (known * ploidy).sum(axis=1, dtype=np.int64)


def chosen(mask: NDArray[np.uint8], samples: int) -> NDArray[np.bool_]:
    """The samples of a mask, one row or several: the inverse of `sample_mask`."""
    fields = np.stack([mask >> np.uint8(2 * place) & np.uint8(1) for place in range(4)], axis=-1)
    return fields.reshape(*mask.shape[:-1], -1)[..., :samples].astype(np.bool_)
