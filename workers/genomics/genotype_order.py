"""The order of genotypes, of which VCF's GP and the probabilities of BGEN have one number each."""

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray


def pairs_of(alleles: int) -> list[tuple[int, int]]:
    """The genotypes of two alleles out of so many: 00, 01, 11, 02, 12, 22, ... (VCF 4.3, section 1.6.2; BGEN 1.3)."""
    return sorted(combinations_with_replacement(range(alleles), 2), key=lambda pair: (pair[1], pair[0]))


def copies_of_pairs(alleles: int) -> NDArray[np.float64]:
    """(genotypes, alleles): how many copies of each allele a genotype has."""
    return np.array([[(a == one) + (b == one) for one in range(alleles)] for a, b in pairs_of(alleles)], np.float64)
