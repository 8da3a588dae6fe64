from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from workers.genomics.contract import GenotypeChunk
from workers.genomics.genotypes.joining import SiteJoiner, SitePlan
from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.scores.joined import SITES, JoinedSites

CALLS = np.array([[0, 1, 2], [1, 0, 0], [0, 0, 1], [2, 0, 0], [0, 3, 1]], np.int8)
VARIANTS = pl.DataFrame({"variant_idx": [3, 5, 8, 9, 12], "alt": ["C", "G", "C", "G", "T"]})
PLAN = SitePlan(JoinedSites.of([(8, 9, 12), (3, 5)]), VARIANTS)


def chunk(rows: slice, dosed: bool = False) -> GenotypeChunk:
    index = VARIANTS["variant_idx"].to_numpy()[rows]
    dosage = np.array([0, 1, 2, np.nan], np.float32)[CALLS[rows]] if dosed else None
    return GenotypeChunk(index, 3, pack(CALLS[rows]), dosage)


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_sites_come_when_their_last_record_has_whatever_the_chunks(cut: int) -> None:
    joiner = SiteJoiner(PLAN)
    found: list[tuple[int, list[int]]] = []
    for at in range(0, 5, cut):
        for one in joiner.add(chunk(slice(at, at + cut))):
            found += zip(one.variant_idx.tolist(), unpack(one.packed, 3).tolist(), strict=True)
    assert found == [(SITES, [1, 1, 2]), (SITES + 1, [2, 3, 2])]


def test_a_site_of_which_one_record_has_dosages_has_dosages() -> None:
    joiner = SiteJoiner(PLAN)
    assert joiner.add(chunk(slice(0, 1))) == []
    (one,) = joiner.add(chunk(slice(1, 3), dosed=True))
    assert one.dosage is not None
    assert one.dosage.tolist() == [[1, 1, 2]]


def test_numbers_of_sites_follow_their_last_records_and_the_records_to_read_ascend() -> None:
    sites = PLAN.sites
    assert sites.members == ((3, 5), (8, 9, 12))
    assert sites.numbered(np.array([8, 3, 7]), [(8, 9, 12), (3, 5), None]).tolist() == [SITES + 1, SITES, 7]
    assert sites.read_for(np.array([7, SITES])).tolist() == [3, 5, 7, 8, 9, 12]
