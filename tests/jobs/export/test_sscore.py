"""Scores of a run as `.sscore`, held against what plink2 --score writes of the same genotypes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from cluster.storage import StorageSettings, open_store
from jobs.cli.main import main
from jobs.export.exporting import export_run
from jobs.export.sscore import SscoreExport
from schemas.errors import FingerprintError, UsageError
from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.runs import rows, run
from tests.support.score_sites import Sites, score_file
from tests.workers.genomics.kernels.naive import pack

SAMPLES, VARIANTS = 70, 40
BED_CODES = np.array([3, 2, 0, 1], np.uint8)
"""The code in .bed of 0, 1, 2 copies of ALT and a missing call; A1 of a .bim is ALT here."""


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Genotypes as bed, a directory of three files with four scores, and a run over them."""
    folder = tmp_path_factory.mktemp("sscore")
    chance = np.random.default_rng(3)
    calls = chance.binomial(2, chance.uniform(0.05, 0.6, (VARIANTS, 1)), (VARIANTS, SAMPLES)).astype(np.uint8)
    calls[chance.random(calls.shape) < 0.04] = 3
    (folder / "g.bed").write_bytes(b"\x6c\x1b\x01" + pack(BED_CODES[calls]).tobytes())
    (folder / "g.bim").write_text("".join(f"1\trs{v}\t0\t{v + 1}\tG\tA\n" for v in range(VARIANTS)))
    (folder / "g.fam").write_text("".join(f"f{s // 2}\tp{s}\t0\t0\t1\t-9\n" for s in range(SAMPLES)))
    scores = folder / "scores"
    scores.mkdir()
    table = "".join(f"rs{v}\t{'AG'[v % 2]}\t{chance.normal():.8g}\t{chance.normal():.8g}\n" for v in range(VARIANTS))
    (scores / "layout.yaml").write_text("files: {two.tsv: {weights: [one, two]}}")
    (scores / "two.tsv").write_text("ID\tA1\tone\ttwo\n" + table)
    top = "#pgs_id={}\n#genome_build={}\nchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
    half = "".join(f"1\t{v + 1}\tG\tA\t{chance.normal():.8g}\n" for v in range(0, VARIANTS, 2))
    (scores / "half.txt").write_text(top.format("PGS000002", "GRCh38") + half)
    (scores / "old.txt").write_text(top.format("PGS000003", "GRCh37") + half)
    run(spec(folder, "run", ""))
    return folder


def spec(folder: Path, out: str, prepare: str) -> str:
    return f"""
job: predict
name: scores
input: {{collection: genotypes, uri: {folder / "g.bed"}, format: bed, build: GRCh38}}
models: {{pgs: {{uri: {folder / "scores"}}}}}
{prepare}
output: {{uri: {folder / out}}}
compute: {{pool: serial, workers: 1, cpus_per_worker: 1}}
"""


def exported(folder: Path, to: str, **more: Any) -> Any:
    return export_run(SscoreExport(**more), open_store((folder / "run").as_uri()), str(folder / to), StorageSettings())


def table(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, separator="\t")


@needs_plink2
def test_the_file_is_the_one_that_plink2_writes(scored: Path) -> None:
    made = exported(scored, "as-plink2")
    asked = ["scores/two.tsv", "1", "2", "header-read", "cols=+scoresums,+denom,-phenos", "--score-col-nums", "3-4"]
    run_plink2(scored, ["--bfile", "g", "--score", *asked, "--out", "theirs"])
    ours, theirs = scored / "as-plink2" / "pgs.1.sscore", scored / "theirs.sscore"
    assert ours.read_text().splitlines()[0] == theirs.read_text().splitlines()[0]
    assert made.files == 2
    told = [made.written.figures[name] for name in ("samples", "scores", "low_overlap")]
    assert told == [SAMPLES, 3, ["PGS000003"]]
    found, expected = table(ours), table(theirs)
    exact = ["#FID", "IID", "ALLELE_CT", "DENOM", "NAMED_ALLELE_DOSAGE_SUM"]
    assert found.select(exact).rows() == expected.select(exact).rows()
    names = ["one_AVG", "two_AVG", "one_SUM", "two_SUM"]
    # The sixth printed digit may be rounded either way.
    np.testing.assert_allclose(found.select(names).to_numpy(), expected.select(names).to_numpy(), rtol=1.1e-5)


@needs_plink2
def test_scores_over_other_variants_have_counts_of_their_own(scored: Path) -> None:
    exported(scored, "by-group")
    lines = (scored / "scores" / "half.txt").read_text().splitlines()[3:]
    named = "".join(f"rs{int(pos) - 1}\t{a1}\t{w}\n" for _, pos, a1, _, w in (line.split("\t") for line in lines))
    (scored / "half.tsv").write_text("ID\tA1\tPGS000002\n" + named)
    asked = ["half.tsv", "1", "2", "3", "header", "cols=+scoresums,+denom,-phenos"]
    run_plink2(scored, ["--bfile", "g", "--score", *asked, "--out", "half"])
    found, expected = table(scored / "by-group" / "pgs.0.sscore"), table(scored / "half.sscore")
    assert found.columns[5:] == ["PGS000002_AVG", "PGS000002_SUM"]
    for ours, theirs in zip(found.columns[2:], expected.columns[2:], strict=True):
        np.testing.assert_allclose(found[ours].to_numpy(), expected[theirs].to_numpy(), rtol=1.1e-5)


@needs_plink2
def test_a_vcf_with_sites_of_several_alternatives_gives_the_file_that_plink2_gives_of_it(tmp_path: Path) -> None:
    sites = Sites(12, 40)
    (tmp_path / "model").mkdir()
    score_file(tmp_path / "model" / "score.tsv", sites, 12)
    sites.vcf(tmp_path / "calls.vcf")
    serial = "compute: {pool: serial, workers: 1, cpus_per_worker: 1}"
    run(f"""
job: convert
name: calls
input: {{format: vcf, uri: {tmp_path / "calls.vcf"}}}
output: {{uri: {tmp_path / "table"}}}
{serial}
""")
    run(f"""
job: predict
name: scores
input: {{collection: genotypes, uri: {tmp_path / "table" / "table"}, format: table}}
models: {{pgs: {{uri: {tmp_path / "model"}}}}}
prepare: [{{match: {{ambiguous: keep, strand_flips: false}}}}]
output: {{uri: {tmp_path / "run"}}}
{serial}
""")
    exported(tmp_path, "ours")
    asked = ["model/score.tsv", "3", "4", "header-read", "cols=+scoresums,+denom", "--score-col-nums", "5-6"]
    run_plink2(tmp_path, ["--vcf", "calls.vcf", "--score", *asked, "--out", "theirs"])
    found, expected = table(tmp_path / "ours" / "pgs.sscore"), table(tmp_path / "theirs.sscore")
    assert found.columns == expected.columns
    assert found[:, :4].rows() == expected[:, :4].rows()
    np.testing.assert_allclose(found[:, 4:].to_numpy(), expected[:, 4:].to_numpy(), rtol=1.1e-5)


def test_all_digits_give_the_sums_of_the_run_back(scored: Path) -> None:
    exported(scored, "exact", digits=17)
    found = table(scored / "exact" / "pgs.1.sscore")
    assert found["one_SUM"].to_list() == rows(scored / "run")["one"].to_list()


def test_the_same_export_twice_is_one_and_another_beside_it_is_refused(scored: Path) -> None:
    exported(scored, "again")
    exported(scored, "again")
    with pytest.raises(FingerprintError):
        exported(scored, "again", digits=9)


def test_the_command_says_what_is_in_no_file(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "sscore", str(scored / "run"), "--to", str(scored / "told")]) == 0
    told = capsys.readouterr()
    assert "1 score left out of every file" in told.err
    assert "samples" in told.out


def test_a_run_without_counts_is_told_how_to_get_them(scored: Path) -> None:
    run(spec(scored, "bare", "prepare: [{columns: {counts: false}}]"))
    with pytest.raises(UsageError, match="counts: true"):
        export_run(SscoreExport(), open_store((scored / "bare").as_uri()), str(scored / "none"), StorageSettings())


def test_an_unknown_model_and_impossible_digits_are_refused(scored: Path) -> None:
    with pytest.raises(UsageError, match="it has pgs"):
        exported(scored, "no-model", model="net")
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        SscoreExport(digits=0)
