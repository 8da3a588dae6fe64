"""Which members share bytes is what comparing each with each says."""

from __future__ import annotations

import numpy as np
import pytest

from workers.reading.archives.found import Found
from workers.reading.archives.places import MemberFault, Place
from workers.reading.archives.quarrels import quarrels
from workers.reading.archives.spool import MemberSpool


@pytest.mark.parametrize("seed", range(40))
def test_no_two_members_that_share_bytes_are_both_taken_and_those_that_share_none_are(seed: int) -> None:
    chance = np.random.default_rng(seed)
    begins = chance.permutation(np.arange(60) * 100)
    ends = begins + 100
    # Some reach into others, one perhaps into many.
    for place in chance.integers(0, 60, seed % 5):
        ends[place] += chance.integers(1, 900)
    spool = MemberSpool("etag")
    for place, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        spool.add(Found(str(place), Place("zip", begin, end - begin, end - begin), 1, begin, end))
    spool.finish()
    found = quarrels(spool, "zip", 10_000)
    shares = (begins[:, None] < ends) & (begins < ends[:, None]) & ~np.eye(60, dtype=bool)
    spool.close()
    assert found.faults == dict.fromkeys(np.flatnonzero(shares.any(axis=1)).tolist(), MemberFault.OVERLAPS)
