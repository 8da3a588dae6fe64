"""Runs over genotypes: scores held against the cohort, workers of a cluster, and a command that dies on the way."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cluster.storage import open_store
from jobs.cli.summary import as_table, warnings
from jobs.report_file import write_report
from jobs.verification.verify import verify
from tests.chaos.harness import content
from tests.support import runs
from tests.support.genotype_runs import spec, weights_of, write_score
from tests.support.plink_files import Cohort, cohort, write_bed, write_pgen
from tests.support.small_run import finish, go_on, start
from workers.finished_runs.documents import read_manifest

PCS = "ROOT/pcs.tsv"


@pytest.fixture(scope="module")
def data() -> Cohort:
    return cohort(120, 80)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, data: Cohort) -> Path:
    root = tmp_path_factory.mktemp("runs")
    write_bed(root, data)
    write_pgen(root, data)
    for name, seed in (("S1", 5), ("S2", 6)):
        write_score(root / f"scores/{name}.txt", weights_of(data, seed=seed))
    random = np.random.default_rng(4)
    people = pl.DataFrame({"#FID": ["f"] * 120, "IID": [f"s{at}" for at in range(120)]})
    pcs = people.with_columns(PC1=pl.Series(random.normal(size=120)), PC2=pl.Series(random.normal(size=120)))
    pcs[5:].sample(fraction=1, shuffle=True, seed=1).write_csv(root / "pcs.tsv", separator="\t")
    return root


def test_scores_are_held_against_the_cohort_and_its_components(root: Path) -> None:
    more = "prepare: [{adjust: {z: true, components: ROOT/pcs.tsv}}]".replace("ROOT", str(root))
    outcome = runs.run(spec(root, "format: bed, uri: ROOT/cohort.bed", out="adjusted", more=more))
    # The table has 115 of the 120 samples: told in the manifest, the summary and the report.
    assert outcome.manifest.tables["Given components"] == ({"model": "pgs", "samples": 120, "with_components": 115},)
    matching = {row["score"]: (row["matched"], row["verdict"]) for row in outcome.manifest.tables["Matching by score"]}
    assert matching == {"S1": (72, "ok"), "S2": (72, "ok")}
    assert "Given components" in as_table(outcome)
    rows = runs.rows(root / "adjusted")
    sums = rows["S1"].to_numpy()
    np.testing.assert_allclose(rows["S1_z"].to_numpy(), (sums - sums.mean()) / sums.std(ddof=1), rtol=1e-9)
    known = pl.read_csv(root / "pcs.tsv", separator="\t")
    joined = rows.join(known, left_on="record_id", right_on="IID", how="left", maintain_order="left")
    there = joined["PC1"].is_not_null().to_numpy()
    assert rows["S1_z_norm1"].is_not_null().to_list() == there.tolist()
    assert rows["S1_z_norm2"].is_not_null().to_list() == there.tolist()
    design = np.column_stack([np.ones(there.sum()), joined.filter(there).select("PC1", "PC2").to_numpy()])
    left = sums[there] - design @ np.linalg.lstsq(design, sums[there], rcond=None)[0]
    ours = rows["S1_z_norm1"].drop_nulls().to_numpy()
    np.testing.assert_allclose(ours / ours[0], left / left[0], rtol=1e-6)
    assert ours.std() == pytest.approx(1, abs=0.02)


def test_sums_are_the_same_whether_they_are_adjusted_or_not(root: Path) -> None:
    source, both = "format: bed, uri: ROOT/cohort.bed", "pgs: {uri: ROOT/scores}\n  again: {uri: ROOT/scores}"
    runs.run(spec(root, source, models=both, out="z", more="prepare: [adjust]"))
    runs.run(spec(root, source, models=both, out="plain"))
    with_z, plain = runs.rows(root / "z"), runs.rows(root / "plain")
    assert with_z.select(plain.columns).equals(plain)
    assert set(with_z.columns) - set(plain.columns) == {f"{m}__S{n}_z" for m in ("pgs", "again") for n in (1, 2)}


def test_the_manifest_names_the_match_log_of_every_score(root: Path) -> None:
    outcome = runs.run(spec(root, "format: pgen, uri: ROOT/cohort", out="logs"))
    store = open_store(str(root / "logs"))
    assert f"{root}/logs/matches/*/*.parquet" in as_table(outcome)
    manifest = read_manifest(store)
    assert manifest is not None
    named = {record.key for record in manifest.files}
    assert "matches/pgs/000000-000.parquet" in named
    log = pl.read_parquet(root / "logs/matches/pgs/000000-000.parquet")
    assert log["score"].unique(maintain_order=True).to_list() == ["S1", "S2"]
    assert named == {info.key for info in store.list()} - {"manifest.json"}
    write_report(store)
    assert f"{root}/logs/matches/*/*.parquet" in store.get("report.html").decode()


@pytest.mark.parametrize("point", ["side.after_put:3"])
def test_a_run_killed_at_this_step_is_completed_by_the_same_command(root: Path, point: str) -> None:
    source, more = f"format: bed, uri: {root}/cohort.bed", "prepare: [adjust]"
    name = point.replace(":", "-")
    if not (root / "whole").exists():
        runs.run(spec(root, source, out="whole", more=more))
    path = root / f"{name}.yaml"
    path.write_text(spec(root, source, out=name, more=more))
    code, _ = finish(start(path, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = go_on(path)
    assert code == 0, said
    store = open_store(str(root / name))
    verify(store)
    assert content(store).equals(content(open_store(str(root / "whole"))))


@pytest.mark.ray
@pytest.mark.long
def test_workers_of_a_cluster_give_the_same_rows(tmp_path: Path) -> None:
    big = cohort(16_384 + 9, 16)
    write_bed(tmp_path, big)
    write_score(tmp_path / "scores/S1.txt", weights_of(big))
    source = "format: bed, uri: ROOT/cohort.bed"
    runs.run(spec(tmp_path, source, out="ray", more="compute: {workers: 2}"))
    runs.run(spec(tmp_path, source, out="serial"))
    assert len(list((tmp_path / "ray/predictions").iterdir())) == 2
    assert runs.rows(tmp_path / "ray").equals(runs.rows(tmp_path / "serial"))


def test_a_run_in_which_no_score_is_found_warns(root: Path, tmp_path: Path, data: Cohort) -> None:
    far = weights_of(data).with_columns(id=pl.lit("elsewhere"), pos=pl.col("pos") + 10_000_000)
    write_score(tmp_path / "far/F1.txt", far)
    text = spec(root, "format: bed, uri: ROOT/cohort.bed", models=f"pgs: {{uri: {tmp_path / 'far'}}}", out="far")
    outcome = runs.run(text)
    assert any("not one of 120 records was scored (low_overlap 120)" in line for line in warnings(outcome))
