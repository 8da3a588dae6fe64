"""What `make demo-genomics` plays, on a smaller cohort: what was planted is found, scores follow the planted risk."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.demo import genomes
from jobs.demo.cohort import simulate_cohort
from jobs.demo.planted import HARMONISED, OTHER_BUILD, OTHER_PANEL, RISK
from jobs.demo.stage_set import StageSet, kept, set_up
from jobs.hosts import open_host
from jobs.running import run_stages
from schemas.errors import WardroundError
from schemas.spec import Compute, Spec
from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.runs import QUIET

SMALL = genomes.Size(samples=400, variants=4_000, scale=0.25)


def _run(spec: Spec) -> None:
    """In this process, which saves a start of Ray."""
    serial = spec.model_copy(update={"compute": Compute(pool="serial")})
    run_stages(serial, open_host, QUIET, lambda line: None)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StageSet]:
    """Both scenes are played."""
    with set_up(tmp_path_factory.mktemp("demo") / "output") as stage:
        _run(genomes.simulate(stage, lambda line: None, SMALL))
        _run(genomes.prepare_scores(stage, lambda line: None))
        yield stage


@pytest.fixture(scope="module")
def results(stage: StageSet) -> Path:
    return kept(stage, "results", "results")


@pytest.mark.long
def test_every_planted_row_is_named_rightly_and_scores_follow_the_planted_risk(stage: StageSet, results: Path) -> None:
    found = genomes.compare(stage, results)
    assert len(found.cases) >= 15
    assert all(rightly == rows > 0 for rows, rightly in found.cases.values())
    assert found.with_countable > 0.99
    assert found.with_risk > 0.8
    assert found.ill_in_top > 2 * found.ill
    assert found.low_overlap == (OTHER_BUILD, OTHER_PANEL)


def test_a_row_that_the_log_names_otherwise_ends_the_demo(stage: StageSet, results: Path, tmp_path: Path) -> None:
    truth = pl.read_parquet(stage.folder / "planted.parquet")
    turned = pl.when(pl.col("case") == "ambiguous").then(pl.lit("matched")).otherwise("outcome").alias("outcome")
    truth.with_columns(turned).write_parquet(tmp_path / "planted.parquet")
    (tmp_path / "people.parquet").write_bytes((stage.folder / "people.parquet").read_bytes())
    with pytest.raises(WardroundError, match="wrongly: ambiguous"):
        genomes.compare(StageSet(tmp_path, stage.endpoint_url), results)


@needs_plink2
@pytest.mark.parametrize("score", [RISK, HARMONISED])
def test_scores_of_the_converted_vcf_are_those_of_plink2_on_the_vcf(
    stage: StageSet, results: Path, tmp_path: Path, score: str
) -> None:
    one, other = (gzip.decompress((stage.folder / f"cohort/chr{name}.vcf.gz").read_bytes()) for name in ("1", "22"))
    (tmp_path / "all.vcf").write_bytes(one + b"".join(line for line in other.splitlines(True) if line[:1] != b"#"))
    log = pl.read_parquet(results / "scores/matches/scores/*.parquet")
    counted = log.filter(score=score, outcome="matched")
    weights = _weights(stage.folder / "scores", score)[counted["row_nr"].to_numpy()]
    allele = pl.when("effect_is_ref").then("ref").otherwise("alt")
    counted.select("id", allele.alias("allele"), pl.Series("weight", weights)).write_csv(
        tmp_path / "weights.txt", separator="\t", include_header=False
    )
    run_plink2(tmp_path, ["--vcf", "all.vcf", "--score", "weights.txt", "cols=+scoresums,+denom", "--out", "all"])
    theirs = pl.read_csv(tmp_path / "all.sscore", separator="\t")
    ours = pl.read_parquet(results / "scores/predictions/*.parquet")
    assert ours["record_id"].to_list() == theirs["#IID"].to_list()
    np.testing.assert_allclose(ours[score], theirs["SCORE1_SUM"], rtol=6e-6, atol=6e-7)


def _weights(folder: Path, score: str) -> np.ndarray:
    """The weight in every row of the file, as it is written."""
    (path,) = folder.glob(f"{score}*.txt.gz")
    return pl.read_csv(path, separator="\t", comment_prefix="#")["effect_weight"].to_numpy()


def test_the_lines_that_the_demo_shows_work(stage: StageSet, results: Path) -> None:
    code = "\n".join(genomes.look_lines(stage, results))
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, check=True)
    assert RISK in shown.stdout
    assert "hwe_p" in shown.stdout


def test_neighbouring_variants_of_the_simulated_cohort_go_together() -> None:
    cohort = simulate_cohort(300, 1_500, seed=1, missing=0.0)
    copies = (cohort.carried > 0).sum(axis=2)[: 1_500 * 3 // 5]
    common = copies[(copies.mean(axis=1) > 0.4) & (copies.mean(axis=1) < 1.6)]
    squared = np.corrcoef(common) ** 2
    neighbours = np.diagonal(squared, 1).mean()
    distant = squared[: len(common) // 4, -len(common) // 4 :].mean()
    assert neighbours > 0.25
    assert neighbours > 5 * distant
