"""From numbers of alleles to the codes of one alternative each."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.genomics.convert_vcf.genotypes import ABSENT, MISSING

Alleles = NDArray[np.int16]


def without_halves(first: Alleles, second: Alleles, mode: str) -> tuple[Alleles, Alleles]:
    """Calls of which one allele is missing become what the settings say. What is given may be changed in place."""
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


def without_left_out(first: Alleles, second: Alleles, left_out: Mapping[int, Sequence[int]]) -> None:
    """Make missing, in place, calls that name an allele which became no variant: counted as REF they would be wrong."""
    if not left_out:
        return
    rows = np.array(list(left_out))
    most = 1 + max(number for numbers in left_out.values() for number in numbers)
    gone = np.zeros((len(rows), most + 1), np.bool_)
    for at, numbers in enumerate(left_out.values()):
        gone[at, list(numbers)] = True
    of_row = np.arange(len(rows))[:, None]
    named = [
        gone[of_row, np.where(alleles >= 0, np.minimum(alleles, most), most)] for alleles in (first[rows], second[rows])
    ]
    for alleles in (first, second):
        part = alleles[rows]
        # Whether a call has one allele or two stays.
        part[(named[0] | named[1]) & (part != ABSENT)] = MISSING
        alleles[rows] = part


def codes_of(
    first: Alleles, second: Alleles, number: Alleles, other_alts: str
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
