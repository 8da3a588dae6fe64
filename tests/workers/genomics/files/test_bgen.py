"""BGEN as a source of genotypes: found by index or without, against plink2, and refused where files do not fit."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.storage import ObjectChanged, open_store
from schemas.errors import RecordError, SpecError
from tests.support.bgen_files import NONE, ZLIB, ZSTD, BgenVariant, write_bgen
from tests.support.seaweed import S3
from workers.genomics.contract import VARIANT_SCHEMA, GenotypeChunk
from workers.genomics.files.bgen import BgenSource
from workers.genomics.files.settings import BgenSettings
from workers.genomics.kernels.codes import unpack

NAMES = ["a", "b", "c", "d", "e"]
VARIANTS = [
    BgenVariant(10, "AC", [(255, 0), (0, 255), (0, 0), None, (100, 100)], id="rs1"),
    BgenVariant(20, ["A", "C", "TTT"], [(0, 0, 0, 15, 0), (15, 0, 0, 0, 0), None, (0,) * 5, (0, 5, 0, 5, 0)], bits=4),
    BgenVariant(30, ["G"], [(), (), None, (), ()], chrom="02"),
    BgenVariant(40, "GT", [(1000, 64535), (0, 65535), None, (0, 0), (65535, 0)], chrom="X", bits=16, phased=True),
    BgenVariant(50, "GT", [(1,), (0,), (1, 0), None, (0, 0)], chrom="X", bits=1, ploidy=[1, 1, 2, 1, 2]),
]  # fmt: skip
COPIES = np.array([
    [0, 1, 2, np.nan, 2 - 300 / 255],
    [0, 0, np.nan, 0, 1 / 3],
    [1, 0, np.nan, 2, 1],
    [0, 0, np.nan, 0, 0],
    [2 - 65535 / 65535, 1, np.nan, 2, 1],
    [0, 2, 0, np.nan, 2],
])  # fmt: skip
"""A row an ALT, in the order of the file: C; C and TTT; none; T; T."""


def bgen(path: Path, compression: int = ZLIB, **more: Any) -> Path:
    return write_bgen(path, VARIANTS, NAMES, compression, **more)


def whole(source: BgenSource, first: int = 0, last: int = 5, size: int = 1 << 20) -> list[GenotypeChunk]:
    return list(source.chunks(first, last, None, size))


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("compression", [NONE, ZLIB, ZSTD])
def test_variants_dosages_and_calls_are_those_of_the_file(tmp_path: Path, compression: int, index: bool) -> None:
    source = BgenSource(str(bgen(tmp_path / "in.bgen", compression, index=index)))
    found = source.variants()
    assert found.select("chrom", "pos", "id", "ref", "alt", "record").rows() == [
        ("1", 10, "rs1", "A", "C", 0), ("1", 20, None, "A", "C", 1), ("1", 20, None, "A", "TTT", 1),
        ("2", 30, None, "G", None, 2), ("X", 40, None, "G", "T", 3), ("X", 50, None, "G", "T", 4),
    ]  # fmt: skip
    assert list(found.columns)[: len(VARIANT_SCHEMA)] == list(VARIANT_SCHEMA)
    assert source.samples().select("fid", "iid", "sex").rows() == [(None, name, 0) for name in NAMES]
    (chunk,) = whole(source)
    assert chunk.dosage is not None
    assert chunk.haploid is not None
    np.testing.assert_allclose(chunk.dosage, COPIES, atol=1e-6)
    near = np.abs(COPIES - np.rint(COPIES)) <= 0.1
    assert unpack(chunk.packed, 5).tolist() == np.where(near, np.rint(COPIES), 3).astype(int).tolist()
    assert chunk.haploid.tolist() == [[0]] * 5 + [[0b01011]]


def test_some_samples_and_some_variants_are_parts_of_the_whole(tmp_path: Path) -> None:
    source = BgenSource(str(bgen(tmp_path / "in.bgen")))
    for first, last in ((0, 1), (1, 4), (3, 5)):
        found = whole(source, first, last, 1)
        assert [len(chunk.variant_idx) for chunk in found] == [1] * 6
        dosage = np.concatenate([chunk.dosage for chunk in found if chunk.dosage is not None])
        np.testing.assert_allclose(dosage, COPIES[:, first:last], atol=1e-6)
    (some,) = source.chunks(0, 5, np.array([2, 5]), 1 << 20)
    assert some.dosage is not None
    np.testing.assert_allclose(some.dosage, COPIES[[2, 5]], atol=1e-6)
    assert list(source.chunks(0, 5, np.zeros(0, np.int64), 1 << 20)) == []


def test_ref_may_be_the_last_allele(tmp_path: Path) -> None:
    path = bgen(tmp_path / "in.bgen")
    source = BgenSource(str(path), how=BgenSettings(format="bgen", alleles="ref-last"))
    assert source.variants().select("ref", "alt").rows() == [
        ("C", "A"), ("TTT", "A"), ("TTT", "C"), ("G", None), ("T", "G"), ("T", "G"),
    ]  # fmt: skip
    (chunk,) = whole(source)
    assert chunk.dosage is not None
    wanted = [2 - COPIES[0], 2 - COPIES[1] - COPIES[2], COPIES[1], COPIES[3], 2 - COPIES[4], 2 - COPIES[5]]
    np.testing.assert_allclose(chunk.dosage, wanted, atol=1e-6)


def test_samples_are_those_of_the_sample_file_beside_it_or_of_the_one_that_is_named(tmp_path: Path) -> None:
    path = bgen(tmp_path / "in.bgen", named=False)
    with pytest.raises(SpecError, match="does not name its samples"):
        BgenSource(str(path))
    rows = "".join(f"f{name} {name} 0 {1 + at % 2}\n" for at, name in enumerate(NAMES))
    (tmp_path / "other.sample").write_text("ID_1 ID_2 missing sex\n0 0 0 D\n" + rows)
    of_all = BgenSettings(format="bgen", samples=str(tmp_path / "other.sample"))
    wanted = [(f"f{name}", name, 1 + at % 2) for at, name in enumerate(NAMES)]
    assert BgenSource(str(path), how=of_all).samples().select("fid", "iid", "sex").rows() == wanted
    (tmp_path / "other.sample").rename(tmp_path / "in.sample")
    source = BgenSource(str(path))
    assert source.samples().select("fid", "iid", "sex").rows() == wanted
    assert [version.name for version in source.versions()] == ["in.bgen", "in.sample"]
    (tmp_path / "in.sample").write_text("ID_1 ID_2 missing\n0 0 0\na a 0\n")
    with pytest.raises(SpecError, match="they do not belong together"):
        BgenSource(str(path))
    (tmp_path / "in.sample").write_text("a a 0\n")
    with pytest.raises(SpecError, match=r"does not begin as a \.sample file"):
        BgenSource(str(path))


def test_a_file_that_is_none_or_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = bgen(tmp_path / "in.bgen")
    body = path.read_bytes()
    for cut in (0, 10, 30, len(body) - 60, len(body) - 1):
        path.write_bytes(body[:cut])
        with pytest.raises(SpecError, match=r"cut off|does not begin as|damaged"):
            BgenSource(str(path))
    old = bytearray(body)
    old[20] = 1 | 1 << 2
    path.write_bytes(old)
    with pytest.raises(SpecError, match="has layout 1 of BGEN"):
        BgenSource(str(path))


def test_an_index_of_another_file_is_refused_and_one_that_misleads_is_found_out(tmp_path: Path) -> None:
    path = bgen(tmp_path / "in.bgen", index=True)
    bgi = Path(f"{path}.bgi")
    other = write_bgen(tmp_path / "other.bgen", VARIANTS[1:], NAMES, index=True)
    bgi.write_bytes(Path(f"{other}.bgi").read_bytes())
    with pytest.raises(SpecError, match="index of another file"):
        BgenSource(str(path))
    bgi.write_bytes(b"no database")
    with pytest.raises(SpecError, match="no index of bgenix"):
        BgenSource(str(path))
    # As many variants of the same sizes, but of other places.
    shifted = [
        BgenVariant(v.pos + 1, v.alleles, v.numbers, v.chrom, v.id, v.phased, v.bits, v.ploidy) for v in VARIANTS
    ]
    moved = write_bgen(tmp_path / "moved.bgen", shifted, NAMES, NONE, index=True)
    bgen(path, NONE)
    bgi.write_bytes(Path(f"{moved}.bgi").read_bytes())
    with pytest.raises(RecordError, match="is not where it was"):
        whole(BgenSource(str(path)))


def test_another_version_than_the_planned_one_is_told(tmp_path: Path) -> None:
    path = bgen(tmp_path / "in.bgen")
    planned = BgenSource(str(path)).versions()
    BgenSource(str(path), planned=planned)
    bgen(path, ZSTD)
    with pytest.raises(ObjectChanged):
        BgenSource(str(path), planned=planned)


def test_a_file_on_s3_is_read_by_ranges(tmp_path: Path, s3: S3, bucket_prefix: str) -> None:
    local = bgen(tmp_path / "in.bgen", index=True)
    store = open_store(bucket_prefix, s3.settings)
    for name in ("in.bgen", "in.bgen.bgi"):
        store.put(name, (tmp_path / name).read_bytes(), {})
    (there,) = whole(BgenSource(f"{bucket_prefix}/in.bgen", s3.settings))
    (here,) = whole(BgenSource(str(local)))
    assert np.array_equal(there.packed, here.packed)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_of_its_bytes_ends_in_anything_but_a_refusal_or_a_verdict(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "harmed"
    folder.mkdir(exist_ok=True)
    path = bgen(folder / "in.bgen", data.draw(st.sampled_from([NONE, ZLIB, ZSTD])))
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(body[: data.draw(st.integers(0, len(body))) or None])
    with suppress(SpecError, RecordError):
        for chunk in whole(BgenSource(str(path))):
            assert chunk.dosage is not None
            assert not ((chunk.dosage < 0) | (chunk.dosage > 2)).any()
