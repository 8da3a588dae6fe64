"""The records of a site of several ALTs joined to one variant: REF against all ALTs together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workers.genomics.contract import MISSING

_SLACK = 0.02
"""By how much printed dosages of one site may add up to more than two copies."""

Copies = NDArray[np.float32]


@dataclass(frozen=True)
class SiteRecords:
    """What the records of a site are. `record`: which line of the source each comes from; `star`: whether its ALT is
    `*`, the allele of another record."""

    record: NDArray[np.int64]
    star: NDArray[np.bool_]

    @cached_property
    def is_sum(self) -> bool:
        """Whether the copies of all ALTs are those of the records, added up."""
        closed = self.stand_for_others
        inside = sum(map(len, closed))
        return len(closed) + (inside < len(self.star)) < 2

    @property
    def stand_for_others(self) -> list[NDArray[np.intp]]:
        """The rows of each line that has `*` beside an ALT with a name."""
        lines = [np.flatnonzero(self.record == line) for line in np.unique(self.record[self.star])]
        return [rows for rows in lines if not self.star[rows].all()]


def join(copies: Copies, haploid: NDArray[np.bool_], records: SiteRecords) -> tuple[Copies, NDArray[np.bool_]]:
    """(samples,) copies of all ALTs together, NaN where a record has none or they contradict each other, and whose
    calls have one allele. `copies` (records, samples) are those of each ALT, NaN where missing; of a call of one allele
    they are 0 or 2.

    Where a site was split so that `*` stands for the ALTs of the other lines, each line says all of it, and all must
    say the same. A `*` beside a line of its own kind, where it may be an ALT of that line or a deletion over both, is
    missing wherever both are called.
    """
    known = ~np.isnan(copies).any(axis=0) & (haploid == haploid[0]).all(axis=0)
    if records.is_sum:
        total = copies.sum(axis=0)
    else:
        closed = records.stand_for_others
        inside = np.zeros(len(copies), np.bool_)
        inside[np.concatenate(closed)] = True
        whole = np.stack([copies[rows].sum(axis=0) for rows in closed])
        stars = copies[inside & records.star].sum(axis=0)
        named, elsewhere = copies[~records.star].sum(axis=0), copies[~inside].sum(axis=0)
        agreed = (np.ptp(whole, axis=0) <= _SLACK) & (named <= whole[0] + _SLACK)
        known &= np.where(elsewhere > _SLACK, stars <= _SLACK, agreed)
        total = np.where(elsewhere > _SLACK, named + copies[~inside & records.star].sum(axis=0), whole[0])
    known &= total <= 2 + _SLACK
    return np.where(known, total.clip(0, 2), np.nan).astype(np.float32), haploid[0]


def join_calls(packed: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """(bytes,) what `join` makes of calls where `SiteRecords.is_sum` and every record has the same calls of one allele:
    from the packed rows of the records, four samples at a time."""
    joined = packed[0]
    for row in packed[1:]:
        joined = _JOINED[joined, row]
    return joined


def _joined_bytes() -> NDArray[np.uint8]:
    """(256, 256) each byte of four calls joined with each: missing where one is, or where both have too many copies."""
    place = 2 * np.arange(4, dtype=np.uint16)
    calls = (np.arange(256, dtype=np.uint16)[:, None] >> place) & 3
    first, second = calls[:, None], calls[None]
    unknown = (first == MISSING) | (second == MISSING) | (first + second > 2)
    whole = np.where(unknown, np.uint16(MISSING), first + second) << place
    return np.asarray(whole.sum(axis=2), np.uint8)


_JOINED = _joined_bytes()


def codes_of(copies: Copies) -> NDArray[np.int8]:
    """The calls that whole copies are; what lies between is the nearest, and NaN is missing."""
    return np.where(np.isnan(copies), MISSING, np.rint(copies)).astype(np.int8)
