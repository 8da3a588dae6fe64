from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.spec import Compute
from tests.support.plink_files import cohort, write_bed
from workers.genomics.contract import GenotypeChunk
from workers.genomics.files.opening import open_source
from workers.genomics.genotypes.ploidy import Haploid, Numbers, Ploidy
from workers.genomics.genotypes.scanning import chunk_bytes, scan, union
from workers.genomics.genotypes.settings import GenotypesInput


class Recorder:
    """A taker that keeps what it is given."""

    def __init__(self, wanted: Numbers | None, is_diploid: bool) -> None:
        self.wanted, self.is_diploid = wanted, is_diploid
        self.chunks: list[GenotypeChunk] = []

    def add(self, chunk: GenotypeChunk) -> None:
        self.chunks.append(chunk)

    @property
    def seen(self) -> list[int]:
        return [int(index) for chunk in self.chunks for index in chunk.variant_idx]


def test_one_pass_gives_every_taker_all_that_anybody_wants_in_order(tmp_path: Path) -> None:
    data = cohort(samples=20, variants=60)
    source = open_source("bed", str(write_bed(tmp_path, data)))
    ploidy = Ploidy(Haploid(source.variants(), "GRCh38"), data.sex[4:12], known=True)
    first, second = Recorder(np.array([3, 40, 59]), is_diploid=False), Recorder(np.array([3, 7]), is_diploid=True)
    scan(source, 4, 12, [first, second], ploidy, chunk_bytes=4)
    assert first.seen == second.seen == [3, 7, 40, 59]
    assert len(first.chunks) > 1
    assert all(chunk.samples == 8 for chunk in first.chunks)
    # 40 and 59 lie on X, Y or MT: one taker is told who has them once, the other sees two alleles everywhere.
    assert any(chunk.haploid is not None for chunk in first.chunks)
    assert all(chunk.haploid is None for chunk in second.chunks)
    source.close()


def test_where_nobody_wants_anything_nothing_is_read(tmp_path: Path) -> None:
    data = cohort(samples=4, variants=6)
    source = open_source("bed", str(write_bed(tmp_path, data)))
    source.close()
    taker = Recorder(np.zeros(0, np.int64), is_diploid=True)
    scan(source, 0, 4, [taker], Ploidy(Haploid(source.variants(), None), data.sex, True), 1 << 20)
    assert taker.chunks == []


def test_what_several_want_is_wanted_once_and_all_where_one_wants_all() -> None:
    parts = [np.array([1, 5]), np.array([5, 2])]
    found = union(parts)
    assert found is not None
    assert found.tolist() == [1, 2, 5]
    assert union([*parts, None]) is None
    assert union([]) is not None


@pytest.mark.parametrize(
    ("asked", "memory", "expected"),
    [
        (123, None, 123),
        (None, None, 32 << 20),
        (None, 2 << 30, 32 << 20),
        (None, 1 << 20, 4 << 20),
        (None, 1 << 40, 64 << 20),
    ],
)
def test_a_chunk_is_a_part_of_the_memory_within_bounds(asked: int | None, memory: int | None, expected: int) -> None:
    given = {"collection": "genotypes", "uri": "u", "format": "bed", "chunk_bytes": asked}
    source = GenotypesInput.model_validate(given)
    assert chunk_bytes(source, Compute.model_validate({"memory_per_worker": memory})) == expected
