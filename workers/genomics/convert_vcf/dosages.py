"""Dosages out of lines of VCF: copies of each alternative, or the probabilities and haplotypes that give them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.genotype_order import copies_of_pairs

_SLACK = 1e-3
"""How far over its bounds a printed dosage may be."""
_SUM_SLACK = 0.05
"""How far from 1 the printed probabilities of a call may add up to."""

PROBABILITIES, HAPLOTYPES = "GP", "HDS"
"""Fields that hold no copies but what copies are made of; every other holds copies."""

MALFORMED = "a dosage is no number from 0 to 2"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dosages:
    """One record's. `copies` (alts, samples) of each alternative, NaN where there are none; `single`: which samples'
    values are of one allele, and have been doubled, as calls of one allele are."""

    copies: Floats
    single: NDArray[np.bool_]


def texts_of(genotypes: bytes, field: int) -> pl.Series | None:
    """One field of every sample, null where it is not there; None for what is no ASCII."""
    try:
        text = genotypes.decode("ascii")
    except UnicodeDecodeError:
        return None
    return pl.Series([text]).str.split("\t").explode().str.split(":").list.get(field, null_on_oob=True)


def parse_dosages(genotypes: bytes, field: int, alts: int, name: str = "DS") -> Dosages | None:
    """Field number `field`, called `name`, of a record with so many alternatives; None where one is not written as it
    should be."""
    values = texts_of(genotypes, field)
    if values is None:
        return None
    values = values.set(values.str.contains(r"^[.,]+$").fill_null(value=True), None)
    if name == PROBABILITIES:
        return _of_probabilities(values, alts + 1)
    if name == HAPLOTYPES:
        return _of_haplotypes(values) if alts == 1 else None
    known, table = _table(values, alts, 2 + _SLACK)
    if table is None or (known.sum() != len(values) - values.null_count()):
        return None
    return Dosages(table.T.clip(0, 2), np.zeros(len(values), np.bool_))


def _of_haplotypes(values: pl.Series) -> Dosages | None:
    """Copies on each haplotype, two or one."""
    copies, single = np.full(len(values), np.nan), np.zeros(len(values), np.bool_)
    two, pairs = _table(values, 2, 1 + _SLACK)
    one, alone = _table(values, 1, 1 + _SLACK)
    if pairs is None or alone is None or not _all_read(values, two, one):
        return None
    copies[two], copies[one] = pairs[two].sum(axis=1), 2 * alone[one, 0]
    single |= one
    return Dosages(copies.clip(0, 2)[None], single)


def _of_probabilities(values: pl.Series, alleles: int) -> Dosages | None:
    """From one value a genotype in the order of VCF, or one an allele where a call has one. All 0 is missing."""
    counts = copies_of_pairs(alleles)
    two, of_pairs = _table(values, len(counts), 1 + _SLACK)
    one, of_alleles = _table(values, alleles, 1 + _SLACK)
    if of_pairs is None or of_alleles is None or not _all_read(values, two, one):
        return None
    share = np.full((len(values), alleles), np.nan)
    for rows, table, made in ((two, of_pairs, counts), (one, of_alleles, 2 * np.eye(alleles))):
        total = table[rows].sum(axis=1)
        if (np.abs(total[total > 0] - 1) > _SUM_SLACK).any():
            return None
        share[rows] = np.divide(
            table[rows] @ made, total[:, None], out=np.full((len(total), alleles), np.nan), where=total[:, None] > 0
        )
    return Dosages(share.T[1:].clip(0, 2), one)


def _all_read(values: pl.Series, two: NDArray[np.bool_], one: NDArray[np.bool_]) -> bool:
    return int((two | one).sum()) == len(values) - values.null_count()


def _table(values: pl.Series, width: int, most: float) -> tuple[NDArray[np.bool_], Floats | None]:
    """Which of the texts are `width` fields between commas, and these as numbers; a `.` among them is NaN. None where
    one is no number from 0 to `most`."""
    chosen = (values.str.count_matches(",", literal=True) == width - 1).fill_null(value=False)
    table = np.full((len(values), width), np.nan)
    texts = values.filter(chosen).str.split(",")
    for at in range(width):
        held = texts.list.get(at)
        numbers = held.cast(pl.Float64, strict=False)
        wrong = numbers.is_null() & (held != ".")
        if wrong.any() or not numbers.drop_nulls().is_between(-_SLACK, most).all():
            return chosen.to_numpy(), None
        table[chosen.to_numpy(), at] = numbers.fill_null(np.nan).to_numpy()
    return chosen.to_numpy(), table


def numbers_of(genotypes: bytes, field: int) -> Floats:
    """A field of one number a sample, such as GQ; NaN where there is none."""
    values = texts_of(genotypes, field)
    if values is None:
        return np.full(genotypes.count(b"\t") + 1, np.nan)
    found: Floats = values.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    return found
