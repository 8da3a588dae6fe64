"""Expected copies out of stored probabilities of genotypes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.genomics.kernels.machine import compiled


def copies_of_two(table: NDArray[Any], whole: int) -> tuple[NDArray[np.float32], int]:
    """(2, samples) copies of both alleles of a variant, and the largest sum of the two numbers of a sample.

    `table` (samples, 2) has the probability of two of the first allele, and that of one of each, in parts of `whole`.
    """
    copies = np.empty((2, len(table)), np.float32)
    return copies, int(_copies_of_two(table, whole, copies))


@compiled
def _copies_of_two(table, whole, copies):  # type: ignore[no-untyped-def]  # numba infers the types
    most = np.int64(0)
    for sample in range(table.shape[0]):
        homozygous, both = np.int64(table[sample, 0]), np.int64(table[sample, 1])
        if homozygous + both > most:
            most = homozygous + both
        # In whole numbers: from 0 to 2 copies are twice as many steps as a probability has.
        first = 2 * homozygous + both
        if first > 2 * whole:
            first = 2 * whole
        copies[0, sample] = first / whole
        copies[1, sample] = (2 * whole - first) / whole
    return most
