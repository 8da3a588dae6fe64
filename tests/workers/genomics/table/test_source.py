"""The genotype table gives back what was written, whatever range of it is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cluster.storage import Store, open_store
from schemas.errors import RecordError, SpecError
from workers.genomics.contract import GenotypeChunk
from workers.genomics.kernels.codes import pack, unpack
from workers.genomics.table.counts import BlockCounter
from workers.genomics.table.layout import BLOCK, DOSAGE_MISSING, DOSAGE_ONE, PART_COLUMNS, genotypes_key
from workers.genomics.table.parts import PartWriter
from workers.genomics.table.records import VARIANT_GIVEN, Calls
from workers.genomics.table.source import TableSource
from workers.pipeline.frames import encode_frame

SAMPLES = BLOCK + 50
VARIANTS = 700
FIRST = 1 << 32


class Written:
    """Two blocks of samples, parts of two chromosomes, some haploid calls, dosages in some rows."""

    def __init__(self, folder: Path) -> None:
        chance = np.random.default_rng(5)
        self.codes = chance.integers(0, 4, (VARIANTS, SAMPLES), dtype=np.int8)
        self.haploid = np.zeros((VARIANTS, SAMPLES), bool)
        self.haploid[::3, ::5] = True
        self.stored = chance.integers(0, 2 * DOSAGE_ONE + 1, (VARIANTS, SAMPLES)).astype(np.uint16)
        self.stored[:, ::7] = DOSAGE_MISSING
        self.has_dosage = np.arange(VARIANTS) % 2 == 1
        self.folder = folder
        self.store: Store = open_store(str(folder))
        self._write()

    def _write(self) -> None:
        chroms = np.where(np.arange(VARIANTS) < 300, "1", "X")
        given = {"chrom": chroms, "pos": range(VARIANTS), "ref": ["A"] * VARIANTS, "record": range(VARIANTS)}
        variants = pl.DataFrame({name: given.get(name, [None] * VARIANTS) for name in VARIANT_GIVEN}, VARIANT_GIVEN)
        bits = np.packbits(self.haploid, axis=1, bitorder="little")
        calls = Calls(pack(self.codes), bits, self.stored, self.has_dosage)
        writer = PartWriter(BlockCounter(np.zeros(SAMPLES, np.int8)), True, 1, FIRST, "fingerprint")
        parts = []
        for at in range(0, VARIANTS, 90):
            parts += writer.add(variants[at : at + 90], calls.take(slice(at, at + 90)))
        self.parts = [*parts, *writer.close()]
        for part in self.parts:
            for block, body in enumerate(part.bodies):
                self.store.put(genotypes_key(part.folder, block, part.name), body, {})
        rows = [
            {"chrom": p.folder, "part": p.name, "first": p.first, "rows": p.variants.height, "group_rows": 128}
            for p in self.parts
        ]
        self.store.put("parts.parquet", encode_frame(pl.DataFrame(rows, schema=PART_COLUMNS), "fingerprint"), {})
        self.store.put("dataset.json", json.dumps({"version": 2, "samples": SAMPLES, "dosages": True}).encode(), {})

    def copies(self) -> Any:
        """(variants, samples) what scores count."""
        of_calls = np.array([0, 1, 2, np.nan], np.float32)[self.codes]
        of_store = np.where(self.stored == DOSAGE_MISSING, np.nan, self.stored / DOSAGE_ONE)
        return np.where(self.has_dosage[:, None], of_store, of_calls).astype(np.float32)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("table"))


RANGES = [(0, SAMPLES), (0, BLOCK), (3, 17), (BLOCK - 5, BLOCK + 9), (BLOCK - 8, BLOCK + 7), (BLOCK + 1, SAMPLES)]


@pytest.mark.parametrize(("first", "last"), RANGES)
def test_any_range_of_samples_is_what_was_written(written: Written, first: int, last: int) -> None:
    wanted = FIRST + np.array([0, 1, 5, 127, 128, 299, 300, 301, 640, 699])
    source = TableSource(str(written.folder))
    chunks = list(source.chunks(first, last, wanted, 1 << 20))
    source.close()
    rows = wanted - FIRST
    assert np.array_equal(np.concatenate([chunk.variant_idx for chunk in chunks]), wanted)
    found = np.concatenate([unpack(chunk.packed, last - first) for chunk in chunks])
    assert np.array_equal(found, written.codes[rows, first:last])
    assert np.array_equal(np.concatenate([_bits(chunk) for chunk in chunks]), written.haploid[rows, first:last])
    copies = np.concatenate([_copies(chunk) for chunk in chunks])
    np.testing.assert_array_equal(copies, written.copies()[rows, first:last])
    assert all(chunk.packed.flags.c_contiguous for chunk in chunks)


def _bits(chunk: GenotypeChunk) -> Any:
    shape = (len(chunk.variant_idx), chunk.samples)
    if chunk.haploid is None:
        return np.zeros(shape, bool)
    assert chunk.haploid.shape == (shape[0], -(-shape[1] // 8))
    return np.unpackbits(chunk.haploid, axis=1, count=chunk.samples, bitorder="little").astype(bool)


def _copies(chunk: GenotypeChunk) -> Any:
    """Dosages; of a chunk of which no row has any, its calls."""
    if chunk.dosage is not None:
        return chunk.dosage
    return np.array([0, 1, 2, np.nan], np.float32)[unpack(chunk.packed, chunk.samples)]


def test_bits_behind_the_last_sample_are_zero(written: Written) -> None:
    source = TableSource(str(written.folder))
    for chunk in source.chunks(2, 9, None, 1 << 20):
        assert not (chunk.packed[:, -1] >> 6).any()
    source.close()


def test_chunks_have_no_more_bytes_than_asked_for(written: Written) -> None:
    source = TableSource(str(written.folder))
    chunks = list(source.chunks(0, 100, None, 4250))
    source.close()
    assert max(len(chunk.variant_idx) for chunk in chunks) == 10
    assert np.array_equal(np.concatenate([c.variant_idx for c in chunks]), FIRST + np.arange(VARIANTS))


def test_nothing_is_read_of_parts_that_have_no_wanted_variant(written: Written, tmp_path: Path) -> None:
    for part in written.parts[1:]:
        written.store.delete(genotypes_key(part.folder, 0, part.name))
    source = TableSource(str(written.folder))
    assert len(list(source.chunks(0, 9, FIRST + np.array([7]), 1 << 20))) == 1
    with pytest.raises(RecordError, match="a part of the genotype table is gone or damaged"):
        list(source.chunks(0, 9, FIRST + np.array([7, 500]), 1 << 20))
    source.close()
    for part in written.parts[1:]:
        written.store.put(genotypes_key(part.folder, 0, part.name), part.bodies[0], {})


def test_counts_are_those_of_a_loop_over_calls(written: Written) -> None:
    counts = np.concatenate([part.counts.alt_count for part in written.parts])
    copies, halves = written.copies(), np.where(written.haploid, 0.5, 1.0)
    np.testing.assert_allclose(counts, np.nansum(copies * halves, axis=1), rtol=1e-12)
    alleles = np.concatenate([part.counts.allele_count for part in written.parts])
    assert np.array_equal(alleles, (~np.isnan(copies) * (2 * halves)).sum(axis=1))


def test_a_damaged_part_or_list_is_an_error_that_says_so(written: Written, tmp_path: Path) -> None:
    copy = open_store(str(tmp_path))
    for info in written.store.list():
        copy.put(info.key, written.store.get(info.key), {})
    victim = genotypes_key(written.parts[0].folder, 0, written.parts[0].name)
    body = bytearray(written.store.get(victim))
    body[200:900] = b"?" * 700
    copy.put(victim, bytes(body), {})
    source = TableSource(str(tmp_path))
    with pytest.raises(RecordError, match="gone or damaged"):
        list(source.chunks(0, 9, None, 1 << 20))
    source.close()
    copy.put("parts.parquet", b"no Parquet", {})
    with pytest.raises(SpecError, match=r"parts\.parquet of the genotype table is missing or damaged"):
        TableSource(str(tmp_path))


def test_what_is_no_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"has no dataset\.json"):
        TableSource(str(tmp_path))
    (tmp_path / "dataset.json").write_text('{"version": 1}')
    with pytest.raises(SpecError, match="is not of version 2"):
        TableSource(str(tmp_path))
