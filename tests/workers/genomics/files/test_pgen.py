from __future__ import annotations

from pathlib import Path

import numpy as np
import pgenlib
import pytest
from numpy.typing import NDArray

from cluster.storage import ObjectChanged, open_store
from schemas.errors import RecordError, SpecError
from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.plink_files import cohort, write_bed, write_pgen
from tests.support.seaweed import S3
from workers.genomics.files.pgen import PgenSource
from workers.genomics.kernels.codes import unpack

DATA = cohort(samples=203, variants=90)


def calls(
    source: PgenSource, first: int, last: int, wanted: NDArray[np.int64] | None = None, chunk_bytes: int = 1 << 20
) -> NDArray[np.int8]:
    return np.concatenate([unpack(c.packed, c.samples) for c in source.chunks(first, last, wanted, chunk_bytes)])


def a_vcf(path: Path, rows: list[tuple[str, str, list[str]]], form: str = "GT") -> Path:
    samples = "\t".join(f"s{at}" for at in range(len(rows[0][2])))
    lines = [
        f"1\t{100 + at}\t.\t{ref}\t{alt}\t.\t.\t.\t{form}\t" + "\t".join(g) for at, (ref, alt, g) in enumerate(rows)
    ]
    header = [
        "##fileformat=VCFv4.2",
        "##contig=<ID=1>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="">',
        '##FORMAT=<ID=DS,Number=A,Type=Float,Description="">',
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}",
    ]
    path.write_text("\n".join([*header, *lines]) + "\n")
    return path


@pytest.mark.parametrize(("first", "last"), [(0, 203), (0, 200), (5, 77), (202, 203)])
@pytest.mark.parametrize("chunk_bytes", [1, 500, 1 << 20])
def test_any_samples_and_variants_are_what_was_written(tmp_path: Path, first: int, last: int, chunk_bytes: int) -> None:
    source = PgenSource(str(write_pgen(tmp_path, DATA)))
    assert (calls(source, first, last, None, chunk_bytes) == DATA.calls[:, first:last]).all()
    wanted = np.array([1, 2, 3, 40, 88])
    assert (calls(source, first, last, wanted, chunk_bytes) == DATA.calls[wanted, first:last]).all()


@needs_plink2
def test_what_plink2_makes_of_a_bed_has_the_calls_of_the_bed(tmp_path: Path) -> None:
    write_bed(tmp_path, DATA, "old")
    run_plink2(tmp_path, ["--bfile", "old", "--make-pgen", "vzs", "--out", "new"])
    source = PgenSource(str(tmp_path / "new"))
    assert source.versions()[1].name == "new.pvar.zst"
    assert (calls(source, 0, 203) == DATA.calls).all()
    assert source.variants()["chrom"].to_list() == DATA.chrom
    assert source.samples()["sex"].to_list() == DATA.sex.tolist()


@needs_plink2
def test_each_alternative_of_a_site_is_a_variant_of_its_own(tmp_path: Path) -> None:
    rows = [
        ("A", "C", ["0/0", "0/1", "1/1", "./."]),
        ("A", "C,G,T", ["0/1", "1/2", "3/3", "2/3"]),
        ("G", ".", ["0/0", "0/0", "./.", "0/0"]),
        ("A", "T", ["1/1", "0/1", "0/0", "0/0"]),
    ]
    run_plink2(tmp_path, ["--vcf", a_vcf(tmp_path / "in.vcf", rows), "--make-pgen", "--out", "many"])
    source = PgenSource(str(tmp_path / "many.pgen"))
    assert source.variants()["alt"].to_list() == ["C", "C", "G", "T", None, "T"]
    assert source.variants()["id"].to_list() == [None] * 6
    expected = [[0, 1, 2, 3], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 2, 1], [0, 0, 3, 0], [2, 1, 0, 0]]
    assert calls(source, 0, 4).tolist() == expected
    assert calls(source, 1, 3, np.array([0, 2, 3])).tolist() == [[1, 2], [1, 0], [0, 2]]
    assert calls(source, 0, 4, np.array([0, 1])).tolist() == expected[:2]
    counted = source.call_counts(np.arange(6))
    assert counted is not None
    assert counted.tolist() == [[row.count(code) for code in range(4)] for row in expected]


@needs_plink2
def test_dosages_are_given_where_the_file_has_them(tmp_path: Path) -> None:
    rows = [("A", "C", ["0/0:0.1", "0/1:1.25", "./.:.", "1/1:2"]), ("A", "C", ["0/0:0", "0/1:1", "./.:.", "1/1:2"])]
    made = a_vcf(tmp_path / "in.vcf", rows, "GT:DS")
    run_plink2(tmp_path, ["--vcf", made, "dosage=DS", "--make-pgen", "--out", "soft"])
    (chunk,) = PgenSource(str(tmp_path / "soft.pgen")).chunks(0, 4, None, 1 << 20)
    assert chunk.dosage is not None
    np.testing.assert_allclose(chunk.dosage, [[0.1, 1.25, np.nan, 2], [0, 1, np.nan, 2]], atol=1 / 16384)
    (part,) = PgenSource(str(tmp_path / "soft.pgen")).chunks(1, 3, np.array([0]), 1 << 20)
    np.testing.assert_allclose(part.dosage, [[1.25, np.nan]], atol=1 / 16384)


def test_from_s3_it_is_the_version_that_was_planned(
    tmp_path: Path, s3: S3, bucket_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_CACHE", str(tmp_path / "node"))
    path = write_pgen(tmp_path, DATA)
    store = open_store(bucket_prefix, s3.settings)
    for part in (path, path.with_suffix(".pvar"), path.with_suffix(".psam")):
        store.put(part.name, part, {})
    source = PgenSource(f"{bucket_prefix}/cohort.pgen", s3.settings)
    assert (calls(source, 3, 200) == DATA.calls[:, 3:200]).all()
    source.close()
    store.put(path.name, path.read_bytes() + b"\0", {})
    with pytest.raises(ObjectChanged):
        PgenSource(f"{bucket_prefix}/cohort.pgen", s3.settings, source.versions())


def test_a_file_that_is_written_over_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write_pgen(tmp_path, DATA)
    source = PgenSource(str(path))
    chunks = source.chunks(0, 203, None, 500)
    next(chunks)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises((ObjectChanged, RecordError)):
        list(chunks)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda whole: whole[:-1], "was cut off"),
        (lambda whole: whole[:40], "cut off"),
        (lambda whole: whole[:5], "does not begin as a .pgen file"),
        (lambda whole: b"\x6c\x1b\x20" + whole[3:], "storage mode 0x20"),
        (lambda whole: b"\x6c\x1b\x01" + whole[3:], "set input.format to bed"),
        (lambda whole: b"VCF" + whole[3:], "does not begin as a .pgen file"),
    ],
)
def test_a_damaged_pgen_is_refused_at_opening(tmp_path: Path, body, says: str) -> None:
    path = write_pgen(tmp_path, DATA)
    path.write_bytes(body(path.read_bytes()))
    with pytest.raises(SpecError, match=says):
        PgenSource(str(path))


@pytest.mark.parametrize(("suffix", "kind"), [(".psam", "samples"), (".pvar", "variants")])
def test_text_files_of_another_length_are_refused(tmp_path: Path, suffix: str, kind: str) -> None:
    path = write_pgen(tmp_path, DATA)
    text = path.with_suffix(suffix)
    text.write_text("\n".join(text.read_text().splitlines()[:-3]) + "\n")
    with pytest.raises(SpecError, match=kind):
        PgenSource(str(path))


def test_the_reference_reader_agrees_on_its_own_file(tmp_path: Path) -> None:
    path = write_pgen(tmp_path, DATA)
    expected = np.empty(DATA.calls.shape, np.int8)
    with pgenlib.PgenReader(bytes(path)) as reader:
        reader.read_range(0, len(expected), expected)
    assert (calls(PgenSource(str(path)), 0, 203) == np.where(expected == -9, 3, expected)).all()


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes_are_an_error_or_calls_and_end_no_process(tmp_path: Path, seed: int) -> None:
    path = write_pgen(tmp_path, DATA)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    random = np.random.default_rng(seed)
    outcomes = set()
    for _ in range(25):
        damaged = whole.copy()
        damaged[random.integers(11, len(whole), 9)] = random.integers(0, 256, 9)
        path.write_bytes(damaged.tobytes())
        try:
            outcomes.add(calls(PgenSource(str(path)), 0, 203).shape)
        except (SpecError, RecordError) as error:
            outcomes.add(type(error))
    assert outcomes <= {DATA.calls.shape, SpecError, RecordError}
    assert len(outcomes) > 1
