"""Genotypes without a variant, and chunks and scores in which nothing is found: rows, an account, and no crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pysam.bcftools
import pytest

from schemas.errors import SpecError
from tests.support import runs
from tests.support.bgen_files import write_bgen
from tests.support.genotype_runs import spec, weights_of, write_score
from tests.support.genotype_tables import HEADER, calls_of, columns_of, convert_table, random_vcf, variants_of, vcf_line
from tests.support.meds import account
from tests.support.plink_files import cohort, write_pgen

NAMES = [f"s{number}" for number in range(5)]
NOBODY = "prepare: [{impute: {missing: none}}]"


def sources(root: Path) -> dict[str, str]:
    """Files without a variant, by format."""
    (root / "cohort.bed").write_bytes(b"\x6c\x1b\x01")
    (root / "cohort.bim").touch()
    (root / "cohort.fam").write_text("".join(f"f {name} 0 0 1 -9\n" for name in NAMES))
    write_bgen(root / "none.bgen", [], NAMES)
    (root / "none.vcf").write_text(HEADER + columns_of(NAMES))
    pysam.bcftools.view("-Ob", "-o", f"{root}/none.bcf", f"{root}/none.vcf", catch_stdout=False)
    return {
        "bed": f"format: bed, uri: {root}/cohort.bed",
        "bgen": f"format: bgen, uri: {root}/none.bgen",
        "vcf": f"format: vcf, uri: {root}/none.vcf",
        "bcf": f"format: vcf, uri: {root}/none.bcf",
    }


@pytest.mark.parametrize("kind", ["bed", "bgen", "vcf", "bcf"])
def test_nothing_to_convert_is_said_instead_of_a_table(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SpecError, match="the input has no records"):
        convert_table(sources(tmp_path)[kind], tmp_path / "out")


def empty_table(root: Path) -> str:
    """Made of a file whose only record is left out."""
    (root / "skipped.vcf").write_text(HEADER + columns_of(NAMES) + vcf_line("chr1", 5, "A", "<X>", ["0/0"] * 5))
    store = convert_table(f"format: vcf, uri: {root}/skipped.vcf, symbolic: skip", root / "skipped")
    assert variants_of(store).height == 0
    assert calls_of(store).shape == (0, 5)
    assert account(store)["outcome"].to_list() == ["skipped"]
    return f"format: table, uri: {store.uri}/table"


@pytest.mark.parametrize("kind", ["bed", "bgen", "table"])
def test_over_no_variant_every_sample_is_a_row_of_low_overlap(tmp_path: Path, kind: str) -> None:
    write_score(tmp_path / "scores/PGS.txt", weights_of(cohort(5, 12)))
    source = empty_table(tmp_path) if kind == "table" else sources(tmp_path)[kind]
    for more in (NOBODY, NOBODY.replace("[", "[{match: {min_overlap: 0}}, ")):
        out = f"out{len(more)}"
        runs.run(spec(tmp_path, source + ", qc: all", more=more, out=out))
        rows = runs.rows(tmp_path / out)
        assert rows.select("status", "PGS").rows() == [("low_overlap", None)] * 5


@pytest.mark.parametrize("ending", ["vcf", "vcf.gz", "bcf"])
def test_chunks_of_any_size_may_have_no_record_of_their_own(tmp_path: Path, ending: str) -> None:
    body = random_vcf(40, 90, seed=2) + "".join(vcf_line("chr1", 5, "A", "<X>", ["0/0"] * 40) for _ in range(20))
    (tmp_path / "in.vcf").write_text(body)
    kind = {"vcf": "-Ov", "vcf.gz": "-Oz", "bcf": "-Ob"}[ending]
    path = tmp_path / f"given.{ending}"
    pysam.bcftools.view(kind, "-o", str(path), str(tmp_path / "in.vcf"), catch_stdout=False)
    own = ["variant_idx"]
    source = f"format: vcf, uri: {path}, symbolic: skip"
    whole = convert_table(source, tmp_path / "whole")
    wanted, calls = variants_of(whole).drop(own), calls_of(whole)
    for size in (1 + path.stat().st_size // 3, 700):
        store = convert_table(f"{source}, chunk_bytes: {size}", tmp_path / f"out{size}")
        assert variants_of(store).drop(own).equals(wanted)
        assert np.array_equal(calls_of(store), calls)
        assert account(store).drop("shard", strict=False).equals(account(whole).drop("shard", strict=False))


def test_a_pgen_of_which_no_wanted_variant_is_there(tmp_path: Path) -> None:
    data = cohort(9, 12)
    write_pgen(tmp_path, data)
    far = weights_of(data)
    write_score(tmp_path / "scores/far.txt", far.with_columns(pos=far["pos"] + 7_000_000))
    runs.run(spec(tmp_path, "format: pgen, uri: ROOT/cohort.pgen", more=NOBODY + "\n"))
    assert runs.rows(tmp_path / "out")["status"].unique().to_list() == ["low_overlap"]
