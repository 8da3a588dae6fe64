"""Packed rows in which some calls have one allele, split so that every row means one thing."""

import numpy as np
from numpy.typing import NDArray


def _doubled() -> NDArray[np.uint16]:
    """For eight bits the sixteen in which each stands twice."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(np.uint16)
    return (bits @ (3 << 2 * np.arange(8))).astype("<u2")


def split_ploidy(packed: NDArray[np.uint8], haploid: NDArray[np.uint8], mixed: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """All rows with their diploid calls, then of the `mixed` ones the haploid calls, then 3 where a call is haploid.

    A call that a row does not have is 0 there. `packed` (rows, ceil(samples / 4)), `haploid` (rows,
    ceil(samples / 8)) in little bit order.
    """
    # Eight bits of `haploid` cover two bytes of packed calls.
    mask = _doubled()[haploid[mixed]].view(np.uint8)[:, : packed.shape[1]]
    rows = packed.copy()
    rows[mixed] &= ~mask
    return np.concatenate([rows, packed[mixed] & mask, mask])
