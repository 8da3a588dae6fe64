"""Scores of a cohort equal those of plink2, whatever it is read from and however it is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.support import runs
from tests.support.genotype_runs import plink2_scores, spec, weights_of, write_score
from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.plink_files import Cohort, cohort, write_bed, write_pgen

SAMPLES, VARIANTS = 203, 240
SOURCES = {
    "bed": "format: bed, uri: ROOT/cohort.bed",
    "pgen": "format: pgen, uri: ROOT/cohort",
    "table": "format: table, uri: ROOT/converted/table",
}


@pytest.fixture(scope="module")
def data() -> Cohort:
    return cohort(SAMPLES, VARIANTS)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, data: Cohort) -> Path:
    root = tmp_path_factory.mktemp("cohort")
    write_bed(root, data)
    write_pgen(root, data)
    write_score(root / "scores/S1.txt", weights_of(data))
    convert(root / "cohort.pgen", root / "converted")
    return root


def convert(path: Path, out: Path) -> None:
    """The genotype table of a file."""
    runs.run(
        f"job: convert\nname: cohort\ninput: {{format: {path.suffix[1:]}, uri: {path}, build: GRCh38}}\n"
        f"output: {{uri: {out}}}\ncompute: {{pool: serial}}\n"
    )


def first(rows: pl.DataFrame, name: str) -> np.ndarray:
    """A column of the only group of scores."""
    return rows[name].list.first().to_numpy()


def compare(rows: pl.DataFrame, oracle: pl.DataFrame, additive: bool = True) -> None:
    """Sums, averages and counts within the six digits that plink2 prints."""
    assert rows["record_id"].to_list() == oracle["IID"].cast(pl.String).to_list()
    assert first(rows, "allele_ct").tolist() == oracle["ALLELE_CT"].to_list()
    assert first(rows, "denom").tolist() == oracle["DENOM"].to_list()
    for ours, theirs in (
        (rows["S1"], oracle["SCORE1_SUM"]),
        (rows["S1_avg"], oracle["SCORE1_AVG"]),
        # Of other effects plink2 counts what the effect makes of the copies, and not the copies.
        *([(first(rows, "named_dosage"), oracle["NAMED_ALLELE_DOSAGE_SUM"])] if additive else []),
    ):
        np.testing.assert_allclose(np.asarray(ours), theirs.to_numpy(), rtol=6e-6, atol=6e-7)


@needs_plink2
@pytest.mark.parametrize("kind", SOURCES)
def test_sums_averages_and_counts_are_those_of_plink2(root: Path, data: Cohort, kind: str, tmp_path: Path) -> None:
    prepare = "prepare: [{columns: {average: true}}]"
    runs.run(spec(root, SOURCES[kind], out=kind, more=prepare))
    rows = runs.rows(root / kind)
    compare(rows, plink2_scores(tmp_path, ["--pfile", root / "cohort"], weights_of(data)))
    assert rows["fid"].to_list() == ["f"] * SAMPLES


@needs_plink2
def test_calls_of_one_allele_in_a_vcf_count_as_those_of_men_do_in_plink2(
    root: Path, data: Cohort, tmp_path: Path
) -> None:
    clean = ["--pfile", root / "cohort", "--chr", "1,X", "--set-hh-missing", "--make-pgen"]
    run_plink2(tmp_path, [*clean, "--out", tmp_path / "clean"])
    run_plink2(tmp_path, ["--pfile", "clean", "--export", "vcf", "id-paste=iid", "--out", tmp_path / "clean"])
    convert(tmp_path / "clean.vcf", tmp_path / "converted")
    weights = weights_of(data).filter(pl.col("chrom").is_in(["1", "X"]))
    write_score(tmp_path / "scores/S1.txt", weights)
    runs.run(spec(tmp_path, SOURCES["table"], more="prepare: [{columns: {average: true}}]"))
    rows = runs.rows(tmp_path / "out")
    compare(rows, plink2_scores(tmp_path, ["--pfile", tmp_path / "clean"], weights))
    assert rows["sex"].unique().to_list() == [0]


@needs_plink2
@pytest.mark.parametrize(
    ("step", "given", "modifiers"),
    [
        ("impute: {missing: none}", [], ["no-mean-imputation"]),
        ("haploid: {ploidy: diploid}", ["--xchr-model", "2"], []),
    ],
)
def test_steps_count_as_the_options_of_plink2(
    root: Path, data: Cohort, tmp_path: Path, step: str, given: list[str], modifiers: list[str]
) -> None:
    # Of two alleles for all plink2 knows X alone.
    weights = weights_of(data).filter(pl.col("chrom").is_in(["1", "X"]))
    write_score(tmp_path / "scores/S1.txt", weights)
    more = f"prepare: [{{columns: {{average: true}}}}, {{{step}}}]"
    source = f"format: pgen, uri: {root}/cohort"
    runs.run(spec(tmp_path, source, more=more))
    compare(
        runs.rows(tmp_path / "out"), plink2_scores(tmp_path, ["--pfile", root / "cohort", *given], weights, *modifiers)
    )


@needs_plink2
@pytest.mark.parametrize("kind", ["dominant", "recessive"])
def test_other_effects_are_those_of_plink2(root: Path, data: Cohort, tmp_path: Path, kind: str) -> None:
    # plink2 takes them on autosomes alone.
    weights = weights_of(data).filter(pl.col("chrom") == "1")
    write_score(tmp_path / "scores/S1.txt", weights, kind=kind)
    more = "prepare: [{columns: {average: true}}]"
    runs.run(spec(tmp_path, f"format: bed, uri: {root}/cohort.bed", more=more))
    oracle = plink2_scores(tmp_path, ["--bfile", root / "cohort"], weights, kind)
    compare(runs.rows(tmp_path / "out"), oracle, additive=False)


@needs_plink2
def test_missing_calls_are_filled_from_a_table_of_frequencies_as_plink2_does(
    root: Path, data: Cohort, tmp_path: Path
) -> None:
    few = tmp_path / "few.txt"
    few.write_text("".join(f"f\ts{at}\n" for at in range(20)))
    run_plink2(tmp_path, ["--pfile", root / "cohort", "--keep", few, "--freq", "--out", tmp_path / "few"])
    more = "prepare: [{columns: {average: true}}, {impute: {frequencies: ROOT/few.afreq}}]"
    text = spec(tmp_path, f"format: bed, uri: {root}/cohort.bed", models=f"pgs: {{uri: {root}/scores}}", more=more)
    runs.run(text)
    given = ["--bfile", root / "cohort", "--read-freq", tmp_path / "few.afreq"]
    compare(runs.rows(tmp_path / "out"), plink2_scores(tmp_path, given, weights_of(data)))
