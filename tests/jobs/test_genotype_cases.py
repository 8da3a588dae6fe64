"""What goes wrong with a score or with genotypes is a status or a clear error; how a run is cut changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cluster.storage import StorageSettings, Store, open_store
from jobs.export.exporting import export_run
from jobs.export.sscore import SscoreExport
from jobs.hosts import open_host
from jobs.running import Outcome, run_stages
from jobs.verification.verify import verify
from schemas.errors import RefusedError, SpecError, UsageError
from schemas.spec import parse_spec
from tests.support import runs
from tests.support.genotype_runs import spec, weights_of, write_score
from tests.support.plink_files import Cohort, cohort, write_bed, write_pgen
from tests.support.seaweed import S3

SOURCE = "format: bed, uri: ROOT/cohort.bed"
PGS = "pgs: {uri: ROOT/scores}"


@pytest.fixture(scope="module")
def data() -> Cohort:
    return cohort(61, 60)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, data: Cohort) -> Path:
    """The files of a cohort and of one score, which tests change in copies."""
    made = tmp_path_factory.mktemp("cases")
    write_bed(made, data)
    write_score(made / "scores/good.txt", weights_of(data))
    return made


@pytest.fixture
def root(tmp_path: Path, made: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path, dirs_exist_ok=True))


def matched(root: Path, out: str = "out") -> dict[str, dict[str, object]]:
    """Rows of stage match, by score."""
    rows = pl.read_parquet(root / out / "stages/match/rows/*.parquet")
    return {row["score"]: row for row in rows.iter_rows(named=True)}


def test_a_score_of_low_overlap_is_null_and_named_and_the_others_are_scored(root: Path, data: Cohort) -> None:
    far = weights_of(data).with_columns(pl.col("pos") + pl.when(pl.col("pos") % 2 == 0).then(10_000_000).otherwise(0))
    write_score(root / "scores/far.txt", far)
    write_score(root / "scores/old.txt", weights_of(data), build="GRCh37")
    (root / "scores/torn.txt").write_text("#pgs_id=torn\nchr_name\tchr_position\teffect_allele\teffect_weight\n1\tx")
    outcome = runs.run(spec(root, SOURCE, more="limits: {max_rejects: 0%}"))
    assert outcome.manifest.statuses == {"ok": 61}
    rows = runs.rows(root / "out")
    assert rows["good"].null_count() == 0
    for name in ("far", "old"):
        assert rows[name].null_count() == 61
    told = matched(root)
    low = [name for name in ("far", "old", "torn") if told[name]["verdict"] != "ok"]
    assert rows["low_overlap"].to_list() == [low] * 61
    assert {"far", "old"} <= set(low)
    assert "GRCh37" in str(told["old"]["detail"])
    assert told["far"]["overlap"] == pytest.approx(0.5, abs=0.1)
    log = pl.read_parquet(root / "out" / str(told["far"]["log_key"])).filter(score="far")
    assert log.height == far.height
    assert set(log["outcome"]) == {"matched", "unmatched"}


def test_where_no_score_has_enough_variants_every_sample_is_a_row_of_that_status(root: Path, data: Cohort) -> None:
    write_score(root / "none/far.txt", weights_of(data).with_columns(pl.lit("21").alias("chrom")))
    both = "pgs: {uri: ROOT/scores}\n  none: {uri: ROOT/none}"
    runs.run(spec(root, SOURCE, models="none: {uri: ROOT/none}"))
    assert runs.rows(root / "out").select("status", "far").rows() == [("low_overlap", None)] * 61
    assert "far: 0.0 % of its" in runs.rows(root / "out")["detail"][0]
    with pytest.raises(UsageError, match="no score of the run has enough"):
        export_run(SscoreExport(), open_store((root / "out").as_uri()), str(root / "sscore"), StorageSettings())
    runs.run(spec(root, SOURCE, models=both, out="both"))
    rows = runs.rows(root / "both")
    assert (
        rows.select(pl.col("status", "pgs__status", "none__status").cast(pl.String)).rows()
        == [("ok", "ok", "low_overlap")] * 61
    )
    assert rows["pgs__good"].null_count() == 0


def test_scores_do_not_depend_on_chunks_or_on_company(root: Path, data: Cohort) -> None:
    write_score(root / "more/good.txt", weights_of(data))
    write_score(root / "more/other.txt", weights_of(data, seed=6))
    runs.run(spec(root, SOURCE))
    runs.run(spec(root, SOURCE + ", chunk_bytes: 64, qc: all", models="pgs: {uri: ROOT/more}", out="small"))
    whole, small = runs.rows(root / "out"), runs.rows(root / "small")
    np.testing.assert_allclose(whole["good"].to_numpy(), small["good"].to_numpy(), rtol=1e-9)
    assert small["denom"].list.len().to_list() == [2] * 61


def test_shards_are_whole_blocks_of_samples_at_most_one_a_worker_and_change_nothing(tmp_path: Path) -> None:
    big = cohort(16_384 + 5, 24)
    write_pgen(tmp_path, big)
    write_score(tmp_path / "scores/good.txt", weights_of(big))
    source = "format: pgen, uri: ROOT/cohort.pgen"
    for workers in (1, 16):
        runs.run(spec(tmp_path, source, out=str(workers), more=f"compute: {{pool: serial, workers: {workers}}}"))
    shards = {workers: len(list((tmp_path / str(workers) / "predictions").iterdir())) for workers in (1, 16)}
    assert shards == {1: 1, 16: 2}
    assert runs.rows(tmp_path / "1").equals(runs.rows(tmp_path / "16"))


def test_samples_whose_ids_repeat_in_another_family_are_told_apart_by_it(root: Path) -> None:
    fam = root / "cohort.fam"
    lines = [line.split() for line in fam.read_text().splitlines()]
    lines[3][:2] = ["g", lines[2][1]]
    fam.write_text("".join(" ".join(line) + "\n" for line in lines))
    runs.run(spec(root, SOURCE))
    rows = runs.rows(root / "out")
    assert rows["record_id"][2:4].to_list() == ["f:s2", "g:s2"]
    assert rows["subject_id"][2:4].to_list() == ["s2", "s2"]


def _cut_bed(root: Path) -> None:
    path = root / "cohort.bed"
    path.write_bytes(path.read_bytes()[:-5])


def _short_fam(root: Path) -> None:
    path = root / "cohort.fam"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-8]))


def _short_bim(root: Path) -> None:
    path = root / "cohort.bim"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def _twice(root: Path) -> None:
    path = root / "cohort.fam"
    path.write_text(path.read_text().replace("f s7 ", "f s6 ").replace("f\ts7\t", "f\ts6\t"))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_cut_bed, "it was cut off"),
        (_short_fam, "belongs to another file"),
        (_short_bim, "belongs to another file"),
        (_twice, "twice|duplicate|repeat|same"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused_before_anything_is_written(
    root: Path, harm: object, says: str
) -> None:
    assert callable(harm)
    harm(root)
    with pytest.raises(SpecError, match=says):
        runs.run(spec(root, SOURCE))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("prepare: [{impute: {min_samples: 100}}]", "61 samples can say too little"),
        ("prepare: [{impute: {frequencies: ROOT/absent.afreq}}]", "is not there"),
        ("prepare: [{matc: {}}]", "did you mean 'match'"),
        ("prepare: [match, match]", "stands there twice"),
        ("prepare: [{match: {min_overlapp: 1}}]", "did you mean 'min_overlap'"),
        ("prepare: [{adjust: {z: false}}]", "asks for nothing"),
        ("prepare: [{impute: {missing: none, frequencies: x}}]", "goes with missing: frequency"),
    ],
)
def test_steps_that_cannot_be_are_refused_in_words(root: Path, more: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        runs.run(spec(root, SOURCE, more=more.replace("ROOT", str(root))))


def test_genotypes_that_are_not_there_are_refused(root: Path) -> None:
    with pytest.raises(SpecError, match="no genotypes of format 'pgen'"):
        runs.run(spec(root, "format: pgen, uri: ROOT/cohort.pgen"))
    with pytest.raises(SpecError, match="name table/ of a run of job: convert"):
        runs.run(spec(root, "format: table, uri: ROOT/scores"))


def test_a_run_goes_on_only_over_the_genotypes_that_it_began_with(root: Path) -> None:
    runs.run(spec(root, SOURCE))
    out = root / "out"
    for name in ("manifest.json", "run.json"):
        (out / name).unlink()
    shutil.rmtree(out / "predictions")
    for plan in out.glob("plan-*"):
        plan.unlink()
    bed = root / "cohort.bed"
    body = bytearray(bed.read_bytes())
    body[-1] ^= 1
    bed.write_bytes(body)
    with pytest.raises(RefusedError, match="were changed since the run began"):
        runs.run(spec(root, SOURCE))


def test_quality_of_samples_is_what_their_calls_say(root: Path, data: Cohort) -> None:
    runs.run(spec(root, SOURCE + ", qc: all"))
    rows = runs.rows(root / "out")
    chrom = np.array(data.chrom)
    called = data.calls != 3
    np.testing.assert_allclose(rows["call_rate"].to_numpy(), called[chrom != "Y"].mean(axis=0))
    autosomal = chrom == "1"
    het = (data.calls[autosomal] == 1).sum(axis=0) / called[autosomal].sum(axis=0)
    np.testing.assert_allclose(rows["heterozygosity"].to_numpy(), het)
    calls, men = data.calls[chrom == "X"].astype(float), data.sex == 1
    there, ploidy = called[chrom == "X"], np.where(men, 1, 2)
    share = np.where(there, calls * ploidy / 2, 0).sum(axis=1) / (there * ploidy).sum(axis=1)
    expected = (there * (1 - 2 * share * (1 - share))[:, None]).sum(axis=0)
    observed = (there & (calls != 1)).sum(axis=0)
    f = (observed - expected) / (there.sum(axis=0) - expected)
    np.testing.assert_allclose(rows["x_f"].to_numpy(), f, rtol=1e-9)
    by_sex = [
        "unclear" if 0.2 <= x <= 0.8 else "ok" if (x > 0.8) == man else "mismatch"
        for x, man in zip(f, men, strict=True)
    ]
    assert rows["sex_check"].to_list() == by_sex


def test_a_part_of_the_table_that_is_gone_is_a_status_of_its_samples(root: Path) -> None:
    runs.run(
        f"job: convert\nname: cohort\ninput: {{format: bed, uri: {root}/cohort.bed, build: GRCh38}}\n"
        f"output: {{uri: {root}/converted}}\ncompute: {{pool: serial}}\n"
    )
    next((root / "converted/table/genotypes/chrom=1").rglob("*.parquet")).unlink()
    runs.run(spec(root, "format: table, uri: ROOT/converted/table"))
    rows = runs.rows(root / "out")
    assert rows.select("status", "good").unique().rows() == [("unreadable", None)]
    assert rows["record_id"].to_list() == [f"s{at}" for at in range(61)]


def test_genotypes_and_scores_may_lie_on_s3(root: Path, s3: S3, bucket_prefix: str) -> None:
    runs.run(spec(root, SOURCE))
    store = open_store(bucket_prefix, StorageSettings(endpoint_url=s3.endpoint_url))
    for path in (*root.glob("cohort.*"), *root.glob("scores/*")):
        store.put(path.relative_to(root).as_posix(), path.read_bytes(), {})
    text = spec(root, SOURCE, more=f"storage: {{endpoint_url: '{s3.endpoint_url}'}}").replace(str(root), bucket_prefix)
    outcome = run_stages(parse_spec(text), open_host, runs.QUIET, lambda line: None)
    verify(store_of(outcome, s3))
    local = runs.rows(root / "out")
    body = store.get("out/predictions/shard-000000.parquet")
    there = pl.read_parquet(body).with_columns(pl.col("status").cast(pl.String))
    assert there.equals(local)


def store_of(outcome: Outcome, s3: S3) -> Store:
    """Where a run lies."""
    return open_store(outcome.run_uri, StorageSettings(endpoint_url=s3.endpoint_url))
