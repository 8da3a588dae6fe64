"""Sites of several ALTs joined to one variant: its REF against all its ALTs together.

Copies of REF are those that no ALT has, whatever the number of records that the ALTs lie in. So they are no sum over
records but a variant of their own, made while genotypes are read (`workers.genomics.kernels.joining`), with a number
behind those of all records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Members = tuple[int, ...]

SITES = 1 << 62
"""The number of the first joined site; records have smaller ones."""


@dataclass(frozen=True)
class JoinedSites:
    """The `variant_idx` of the records of each joined site, ascending. Site `n` has the number `SITES + n`; they are in
    the order of their last record, in which they are complete as records come by."""

    members: tuple[Members, ...]

    @classmethod
    def of(cls, sites: Iterable[Members]) -> JoinedSites:
        """Each of these once."""
        return cls(tuple(sorted(set(sites), key=lambda members: (members[-1], members))))

    @property
    def records(self) -> Numbers:
        """Every record of a site, ascending."""
        flat = [record for members in self.members for record in members]
        return np.unique(np.array(flat, np.int64))

    def numbered(self, variant_idx: Numbers, members: Sequence[Members | None]) -> Numbers:
        """The numbers of variants: those of records where `members` is None, else those of their sites."""
        place = {site: number for number, site in enumerate(self.members)}
        found = variant_idx.copy()
        for at, site in enumerate(members):
            if site is not None:
                found[at] = SITES + place[site]
        return found

    def read_for(self, numbers: Numbers) -> Numbers:
        """The records that have to be read for variants of these numbers, ascending."""
        return np.union1d(numbers[numbers < SITES], self.records)

    def copies(self, numbers: Numbers, copies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected copies of all ALTs of joined sites, from those of ascending records; NaN where one is not known."""
        at = [np.searchsorted(numbers, members) for members in self.members]
        return np.array([copies[places].sum() for places in at], np.float64).clip(max=2)


def members_of(variant_idx: Numbers, others: pl.Series) -> list[Members | None]:
    """The records of the site of each row; None where `others`, the rest of them, is empty."""
    found: list[Members | None] = [None] * len(variant_idx)
    for at in np.flatnonzero(others.list.len().to_numpy()).tolist():
        found[at] = tuple(sorted([int(variant_idx[at]), *others[at].to_list()]))
    return found
