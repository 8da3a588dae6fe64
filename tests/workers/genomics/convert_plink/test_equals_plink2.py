"""Tables made of .bed, .pgen and VCF hold what plink2 says of the same files."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cluster.storage import Store, open_store
from schemas.errors import SpecError
from tests.support.genotype_tables import HEADER, calls_of, columns_of, convert_table, variants_of, vcf_line
from tests.support.meds import account
from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.seaweed import S3
from workers.genomics.contract import VARIANT_SCHEMA
from workers.genomics.files.opening import open_source
from workers.genomics.kernels.codes import unpack
from workers.genomics.table.source import TableSource

pytestmark = needs_plink2
SAMPLES = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cohort of men and women as VCF, .bed and .pgen: biallelic in .bed, dosages and several ALT in .pgen."""
    folder = tmp_path_factory.mktemp("plink")
    chance = np.random.default_rng(4)
    names = [f"s{number}" for number in range(SAMPLES)]
    text = [HEADER, columns_of(names)]
    for number in range(90):
        chrom = ("chr1", "chr2", "chrX")[number // 30]
        alleles = (chance.random((SAMPLES, 2)) < chance.uniform(0.02, 0.9)).astype(int)
        calls = [f"{a}/{b}" for a, b in alleles.tolist()]
        if chrom == "chrX":
            calls = [str(alleles[at, 0]) if at % 2 else call for at, call in enumerate(calls)]
        for at in np.flatnonzero(chance.random(SAMPLES) < 0.05):
            calls[at] = "." if chrom == "chrX" and at % 2 else "./."
        text.append(vcf_line(chrom, 3_000_000 + 9 * number, "A", "C", calls, id=f"v{number}"))
    (folder / "in.vcf").write_text("".join(text))
    sexes = "".join(f"{name}\t{1 + (at + 1) % 2}\n" for at, name in enumerate(names))
    (folder / "sex.txt").write_text("#IID\tSEX\n" + sexes)
    said = ["--vcf", "in.vcf", "--update-sex", "sex.txt", "--out", "in"]
    run_plink2(folder, [*said, "--make-bed"])
    run_plink2(folder, [*said, "--make-pgen"])
    run_plink2(folder, ["--pfile", "in", "--freq", "counts", "--hardy", "--missing", "variant-only", "--out", "in"])
    return folder


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, Store]:
    """Each format, converted."""
    sources = {"bed": "in.bed", "pgen": "in.pgen", "vcf": "in.vcf"}
    return {
        name: convert_table(f"format: {name}, uri: {folder / file}", folder / name) for name, file in sources.items()
    }


@pytest.mark.parametrize("name", ["bed", "pgen", "vcf"])
def test_counts_frequencies_and_tests_are_those_of_plink2(folder: Path, tables: dict[str, Store], name: str) -> None:
    found = variants_of(tables[name])
    counts = pl.read_csv(folder / "in.acount", separator="\t")
    assert found["id"].to_list() == counts["ID"].to_list()
    assert found["alt_count"].to_list() == counts["ALT_CTS"].to_list()
    assert found["allele_count"].to_list() == counts["OBS_CT"].to_list()
    on_x = found["chrom"] == "X"
    hardy = pl.concat(
        [pl.read_csv(folder / "in.hardy", separator="\t")["P"], pl.read_csv(folder / "in.hardy.x", separator="\t")["P"]]
    )
    assert on_x.sum() == 30
    np.testing.assert_allclose(found["hwe_p"].to_numpy(), hardy.to_numpy(), rtol=2e-5)
    missing = pl.read_csv(folder / "in.vmiss", separator="\t")["F_MISS"]
    np.testing.assert_allclose(1 - found["call_rate"].to_numpy(), missing.to_numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["bed", "pgen"])
def test_calls_and_lists_are_those_of_the_files(folder: Path, tables: dict[str, Store], name: str) -> None:
    source = open_source(name, str(folder / f"in.{name}"))
    table = TableSource(tables[name].uri + "/table")
    assert table.variants().select(*VARIANT_SCHEMA).equals(source.variants().select(*VARIANT_SCHEMA))
    assert table.samples().equals(source.samples())
    wanted = np.concatenate([unpack(chunk.packed, SAMPLES) for chunk in source.chunks(0, SAMPLES, None, 1 << 20)])
    assert np.array_equal(calls_of(tables[name]), wanted)
    said = account(tables[name])
    assert said["record_id"].to_list() == [f"in.{name}#{number}" for number in range(90)]
    assert set(said["outcome"]) == {"converted"}
    source.close()
    table.close()


def test_dosages_of_pgen_and_of_vcf_are_kept(tmp_path: Path) -> None:
    lines = [
        vcf_line("1", 5, "A", "C", ["0/0:0.3", "0/1:1.2", "1/1:2", "./.:.", "0/1:1"], format="GT:DS", id="a"),
        vcf_line("1", 7, "A", "C", ["0/1", "0/1", "1/1", "./.", "0/0"], id="c"),
    ]
    (tmp_path / "d.vcf").write_text(HEADER + columns_of([f"s{number}" for number in range(5)]) + "".join(lines))
    run_plink2(tmp_path, ["--vcf", "d.vcf", "dosage=DS", "--make-pgen", "--out", "d"])
    run_plink2(tmp_path, ["--pfile", "d", "--freq", "counts", "--out", "d"])
    printed = pl.read_csv(tmp_path / "d.acount", separator="\t").select("ALT_CTS", "OBS_CT").rows()
    for source in (f"format: pgen, uri: {tmp_path / 'd.pgen'}", f"format: vcf, uri: {tmp_path / 'd.vcf'}, dosage: DS"):
        store = convert_table(source, tmp_path / f"out-{source[8:11]}")
        (chunk,) = TableSource(store.uri + "/table").chunks(0, 5, None, 1 << 20)
        assert chunk.dosage is not None
        wanted = [[0.3, 1.2, 2, np.nan, 1], [1, 1, 2, np.nan, 0]]
        np.testing.assert_allclose(chunk.dosage, wanted, atol=1e-4)
        counts = variants_of(store).select("alt_count", "allele_count").rows()
        np.testing.assert_allclose(counts, printed, atol=1e-3)


def test_a_line_of_pvar_with_several_alternatives_is_split(tmp_path: Path) -> None:
    lines = [vcf_line("1", 6, "A", "C,G", ["0/1", "1/2", "2/2", "./."]), vcf_line("1", 7, "A", "C", ["0/1"] * 4)]
    (tmp_path / "m.vcf").write_text(HEADER + columns_of([f"s{number}" for number in range(4)]) + "".join(lines))
    run_plink2(tmp_path, ["--vcf", "m.vcf", "--make-pgen", "--out", "m"])
    store = convert_table(f"format: pgen, uri: {tmp_path / 'm.pgen'}, chunk_bytes: 1", tmp_path / "out")
    assert account(store).select("outcome", "n_variants").rows() == [("split", 2), ("converted", 1)]
    assert variants_of(store).select("alt", "n_alleles", "record").rows() == [("C", 3, 0), ("G", 3, 0), ("C", 2, 1)]
    assert calls_of(store).tolist() == [[1, 1, 0, 3], [0, 1, 2, 3], [1, 1, 1, 1]]


def test_a_bed_file_that_was_cut_off_is_an_error_before_anything_is_read(folder: Path, tmp_path: Path) -> None:
    for ending in ("bed", "bim", "fam"):
        shutil.copy(folder / f"in.{ending}", tmp_path)
    (tmp_path / "in.bed").write_bytes((folder / "in.bed").read_bytes()[:-1])
    with pytest.raises(SpecError, match="it was cut off"):
        convert_table(f"format: bed, uri: {tmp_path / 'in.bed'}", tmp_path / "out")


def test_a_table_on_s3_is_read_as_one_on_disk(
    folder: Path, tables: dict[str, Store], s3: S3, bucket_prefix: str
) -> None:
    inside = open_store(f"{bucket_prefix}/in", s3.settings)
    inside.put("in.vcf.gz", gzip.compress((folder / "in.vcf").read_bytes()), {})
    storage = f"storage: {{endpoint_url: '{s3.endpoint_url}'}}\n"
    source = f"format: vcf, uri: {bucket_prefix}/in/in.vcf.gz"
    found = convert_table(source, f"{bucket_prefix}/out", s3.settings, storage)
    assert np.array_equal(calls_of(found, s3.settings), calls_of(tables["vcf"]))
    assert variants_of(found).equals(variants_of(tables["vcf"]))
