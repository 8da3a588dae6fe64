from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.plink_files import cohort, write_bed
from workers.genomics.contract import GenotypeChunk
from workers.genomics.files.opening import open_source
from workers.genomics.kernels.codes import pack, take_samples
from workers.genomics.kernels.counts import CohortCounter, count_calls, sample_mask
from workers.genomics.kernels.sample_counts import count_samples


@needs_plink2
@pytest.mark.parametrize("made", ["bed", "pgen"])
def test_frequencies_and_missing_calls_are_those_of_plink2(tmp_path: Path, made: str) -> None:
    data = cohort(samples=211, variants=120, seed=3)
    path = write_bed(tmp_path, data)
    lines = path.with_suffix(".fam").read_text().splitlines()
    lines[:4] = [line.rsplit(maxsplit=2)[0] + " 0 -9" for line in lines[:4]]
    path.with_suffix(".fam").write_text("\n".join(lines) + "\n")
    run_plink2(tmp_path, ["--bfile", "cohort", f"--make-{made}", "--out", "made"])
    run_plink2(tmp_path, ["--bfile", "cohort", "--freq", "counts", "--missing", "--out", "theirs"])
    source = open_source("bed" if made == "bed" else "pgen", str(tmp_path / f"made.{made}"))
    samples, variants = source.samples(), source.variants()
    assert set(samples["sex"]) == {0, 1, 2}
    (chunk,) = source.chunks(0, samples.height, None, 1 << 20)
    table = CohortCounter(samples["sex"].to_numpy()).count(chunk, variants["chrom"]).table()
    theirs = read(tmp_path / "theirs.acount")
    assert theirs["ALT_CTS"].cast(pl.Float64).to_list() == pytest.approx(table["alt_count"].to_list(), rel=1e-5)
    assert theirs["OBS_CT"].to_list() == table["allele_count"].to_list()
    assert read(tmp_path / "theirs.vmiss")["MISSING_CT"].to_list() == table["missing"].to_list()
    smiss = read(tmp_path / "theirs.smiss")["MISSING_CT"].to_numpy()
    not_y = np.flatnonzero(variants["chrom"] != "Y")
    missing = count_samples(chunk.packed[not_y], samples.height)[2]
    on_y = count_samples(np.delete(chunk.packed, not_y, axis=0), samples.height)[2]
    assert (missing + np.where(samples["sex"] == 1, on_y, 0) == smiss).all()


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, separator="\t")


def test_counts_of_parts_of_the_samples_add_up_to_those_of_all() -> None:
    data = cohort(samples=101, variants=60)
    packed = pack(data.calls)
    idx = np.arange(60)
    whole = CohortCounter(data.sex).count(GenotypeChunk(idx, 101, packed), data.chrom).table()
    columns = [name for name in whole.columns if name != "variant_idx"]
    parts = [
        CohortCounter(data.sex[first:last])
        .count(GenotypeChunk(idx, last - first, take_samples(packed, first, last)), data.chrom)
        .table()
        for first, last in ((0, 3), (3, 50), (50, 101))
    ]
    assert sum(part.select(columns).to_numpy() for part in parts).tolist() == whole.select(columns).to_numpy().tolist()


def test_a_call_written_with_one_allele_has_one() -> None:
    calls = np.array([[0, 2, 2, 3, 1]], np.int8)
    haploid = np.packbits(np.array([[1, 1, 0, 1, 0]], bool), axis=1, bitorder="little")
    chunk = GenotypeChunk(np.arange(1), 5, pack(calls), None, haploid)
    table = CohortCounter(np.zeros(5, np.int8)).count(chunk, ["1"]).table()
    assert table.row(0) == (0, 4.0, 6, 1, 1, 2, 1)
    soft = GenotypeChunk(np.arange(1), 5, pack(calls), np.array([[0.5, 2, 1.5, np.nan, 1]], np.float32), haploid)
    table = CohortCounter(np.zeros(5, np.int8)).count(soft, ["1"]).table()
    assert table.row(0)[:3] == (0, 3.75, 6)


@pytest.mark.parametrize(("samples", "variants"), [(1, 1), (5, 3), (37, 300), (1000, 777)])
def test_counts_by_variant_and_by_sample_are_those_of_unpacked_calls(samples: int, variants: int) -> None:
    random = np.random.default_rng(samples)
    calls = random.integers(0, 4, (variants, samples)).astype(np.int8)
    chosen = random.random(samples) < 0.6
    by_variant = count_calls(pack(calls), sample_mask(chosen))
    by_sample = count_samples(pack(calls), samples)
    for code in range(4):
        assert (by_variant[:, code] == (calls[:, chosen] == code).sum(axis=1)).all()
    for code in (1, 2, 3):
        assert (by_sample[code - 1] == (calls == code).sum(axis=0)).all()


@needs_plink2
def test_copies_are_those_of_dosages_where_there_are_any_and_men_have_half_of_them_on_x(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    sex = random.choice([1, 2], 40).astype(np.int8)
    lines = []
    for row in range(24):
        dosage = np.round(random.uniform(0, 2, 40) * random.uniform(), 3)
        calls = [f"{['0/0', '0/1', '1/1'][round(value)]}:{value}" for value in dosage]
        calls[row] = "./.:."
        lines.append(f"{'1' if row < 12 else 'X'}\t{5_000_000 + row}\t.\tA\tC\t.\t.\t.\tGT:DS\t" + "\t".join(calls))
    header = (
        "##fileformat=VCFv4.2",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="">',
        '##FORMAT=<ID=DS,Number=A,Type=Float,Description="">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(f"s{at}" for at in range(40)),
    )
    (tmp_path / "soft.vcf").write_text("\n".join([*header, *lines]) + "\n")
    people = "#IID\tSEX\n" + "".join(f"s{at}\t{value}\n" for at, value in enumerate(sex))
    (tmp_path / "soft.psam").write_text(people)
    run_plink2(tmp_path, ["--vcf", "soft.vcf", "dosage=DS", "--psam", "soft.psam", "--make-pgen", "--out", "made"])
    run_plink2(tmp_path, ["--pfile", "made", "--freq", "counts", "--out", "theirs"])
    source = open_source("pgen", str(tmp_path / "made"))
    (chunk,) = source.chunks(0, 40, None, 1 << 20)
    table = CohortCounter(source.samples()["sex"].to_numpy()).count(chunk, source.variants()["chrom"]).table()
    theirs = read(tmp_path / "theirs.acount")
    assert chunk.dosage is not None
    np.testing.assert_allclose(table["alt_count"], theirs["ALT_CTS"], rtol=1e-5, atol=1e-5)
    assert theirs["OBS_CT"].to_list() == table["allele_count"].to_list()
