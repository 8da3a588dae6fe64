from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.storage import StorageSettings
from schemas.errors import RefusedError, SpecError
from schemas.outputs import OutputField
from schemas.spec import Compute
from tests.support.genotype_stages import SAMPLES, VARIANTS, ScoredRun
from tests.support.plink_files import cohort, write_bed
from workers.contract import ModelCard
from workers.genomics.genotypes.collection import GenotypesCollection, open_collection
from workers.genomics.genotypes.settings import GenotypesInput

FIELDS = (OutputField(name="s", type="float64", meaning="m"),)
SCORES = ModelCard("pgs", FIELDS, settings={"scores": ["s"], "files": [{"name": "a", "scores": ["s"]}]})
PANEL = ModelCard("panel", FIELDS, settings={"genome_build": "GRCh38", "variants": 3})


def collection(uri: Path, **settings: Any) -> GenotypesCollection:
    given = {"collection": "genotypes", "format": "bed", "uri": str(uri), **settings}
    return open_collection(GenotypesInput.model_validate(given), StorageSettings(), Compute())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_bed(tmp_path, cohort(samples=9, variants=12))


@pytest.mark.parametrize(
    ("prepare", "wrong"),
    [
        ([{"impute": {"missing": "none"}}], "a network over a panel needs a value for every variant"),
        ([{"adjust": {"z": True}}], "adjust: goes with directories of scores"),
    ],
)
def test_what_does_not_go_with_a_panel_is_refused(small: Path, prepare: list[Any], wrong: str) -> None:
    with pytest.raises(SpecError, match=wrong):
        collection(small).prepare(PANEL, tuple(prepare))


def test_a_panel_of_another_build_is_refused_where_the_build_is_known(small: Path) -> None:
    with pytest.raises(SpecError, match=r"its panel is of GRCh38, and input\.build is GRCh37"):
        collection(small, build="GRCh37").prepare(PANEL, ())
    assert collection(small).prepare(PANEL, ()) == ()
    assert collection(small, build="GRCh38").prepare(PANEL, ()) == ()


def test_steps_of_the_spec_take_the_place_of_those_of_the_directory(small: Path) -> None:
    own = ({"match": {"min_overlap": 0.5}},)
    card = ModelCard("pgs", FIELDS, prepare=own, settings=SCORES.settings)
    assert collection(small).prepare(card, None) == own
    assert collection(small).prepare(card, ()) == ()


def test_a_stage_counts_the_cohort_only_where_something_is_filled_from_it(small: Path) -> None:
    filled, unfilled, panel = collection(small), collection(small), collection(small)
    filled.prepare(SCORES, None)
    unfilled.prepare(SCORES, ({"impute": {"missing": "none"}},))
    panel.prepare(PANEL, ())
    assert filled.stages == ("match", "count", "predict")
    assert unfilled.stages == panel.stages == ("match", "predict")


def test_a_cohort_that_says_too_little_of_frequencies_is_refused_before_anything_is_planned(small: Path) -> None:
    few = collection(small)
    few.prepare(SCORES, None)
    with pytest.raises(SpecError, match=r"9 samples can say too little of frequencies \(min_samples is 50\)"):
        few.plan("match", (), {"pgs": SCORES})
    for prepare in ({"impute": {"missing": "none"}}, {"impute": {"min_samples": 9}}):
        enough = collection(small)
        enough.prepare(SCORES, (prepare,))
        assert enough.plan("match", (), {"pgs": SCORES}).kind == "shards"


def test_genotypes_that_were_replaced_between_stages_are_refused(scored: ScoredRun, small: Path) -> None:
    other = collection(small)
    other.prepare(SCORES, None)
    with pytest.raises(RefusedError, match="were changed since the run began"):
        other.plan("count", (scored.finished("match"),), {"pgs": SCORES})


def test_the_last_stage_plans_every_sample_and_knows_the_groups(scored: ScoredRun) -> None:
    again = collection(scored.root / "cohort.bed", build="GRCh38")
    again.prepare(SCORES, None)
    plan = again.plan("predict", (scored.finished("match"), scored.finished("count")), {"pgs": SCORES})
    (batch,) = plan.batches()
    assert batch["record_id"].to_pylist() == [f"s{at}" for at in range(SAMPLES)]
    assert plan.state["groups"] == {"pgs": {"A1": 0, "A2": 0, "B": 1}}
    assert plan.state["after"] == scored.finished("count").run.fingerprint
    assert plan.header_carry == ("call_rate", "heterozygosity", "x_f", "sex_check")


def test_a_look_counts_samples_and_variants_by_chromosome(scored: ScoredRun) -> None:
    found = collection(scored.root / "cohort.bed").look([])
    assert (found["samples"], found["variants"]) == (SAMPLES, VARIANTS)
    assert found["by_chromosome"] == {name: scored.data.chrom.count(name) for name in ("1", "X", "Y", "MT")}
