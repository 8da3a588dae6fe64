"""The manifest: written when every shard is there and as planned, and never before."""

from pathlib import Path

import pytest

from cluster.storage import sha256_of
from jobs.finishing import finish
from jobs.rundir import StageDirectory
from schemas.errors import IncompleteError, VerificationError
from schemas.rows import OutputColumn
from schemas.run import MANIFEST_KEY
from tests.support.open_stages import commit_rows, opened

IDS = ["a", "b", "c", "d", "e"]


def column(name: str, total: str) -> OutputColumn:
    return OutputColumn.model_validate(
        {"name": name, "type": "float64", "meaning": "m", "model": "m", "output": name, "total": total}
    )


@pytest.fixture
def stage(tmp_path: Path) -> StageDirectory:
    return opened(tmp_path, IDS, (column("x", "mean"), column("y", "sum"), column("z", "mean")))


def fill(stage: StageDirectory) -> None:
    commit_rows(stage, 0, ["ok", "unreadable"], x=[1.0, None], y=[0.5, 0.25], z=[None, None])
    commit_rows(stage, 1, ["ok", "ok"], x=[2.0, 6.0], y=[1.0, 1.0], z=[None, None])
    commit_rows(stage, 2, ["missing"], x=[None], y=[None], z=[None])


def test_statuses_and_totals_are_over_all_rows(stage: StageDirectory) -> None:
    fill(stage)
    manifest = finish([stage], {"read": 1.5}, 0.5, {"windows": 8})
    assert manifest.records == 5
    assert manifest.statuses == {"ok": 3, "missing": 1, "unreadable": 1}
    # The mean of what has a value; a column without any has none.
    assert manifest.totals == {"x": 3.0, "y": 2.75}
    assert (manifest.seconds, manifest.busy, manifest.counts) == ({"read": 1.5}, 0.5, {"windows": 8})
    assert (manifest.name, manifest.fingerprint) == ("opened", stage.run.fingerprint)


def test_it_names_every_file_with_its_size_and_digest(stage: StageDirectory, tmp_path: Path) -> None:
    fill(stage)
    (tmp_path / "tuning").mkdir()
    (tmp_path / "tuning" / "cpu.json").write_text("{}")
    manifest = finish([stage], {}, None)
    assert [record.key for record in manifest.files] == [
        "run.json",
        stage.run.plan.key,
        *(f"predictions/shard-00000{shard}.parquet" for shard in range(3)),
        "tuning/cpu.json",
    ]
    for record in manifest.files:
        body = (tmp_path / record.key).read_bytes()
        assert (record.bytes, record.sha256) == (len(body), sha256_of(body))
    assert (tmp_path / MANIFEST_KEY).read_bytes() == manifest.encode()


def test_a_missing_shard_is_named_and_nothing_is_written(stage: StageDirectory, tmp_path: Path) -> None:
    fill(stage)
    (tmp_path / "predictions" / "shard-000001.parquet").unlink()
    with pytest.raises(IncompleteError, match=r"1 shard missing \(first: 1\): run the same command again"):
        finish([stage], {}, None)
    assert not (tmp_path / MANIFEST_KEY).exists()


def test_of_many_missing_shards_ten_are_named(tmp_path: Path) -> None:
    stage = opened(tmp_path, [f"{number:02}" for number in range(12)], size=1)
    with pytest.raises(IncompleteError, match=r"12 shards missing \(first: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\)"):
        finish([stage], {}, None)


def test_a_shard_of_other_rows_than_its_plan_is_damage(tmp_path: Path) -> None:
    few, many = opened(tmp_path / "few", ["a"]), opened(tmp_path / "many", ["a", "b"])
    commit_rows(few, 0, ["ok"])
    key = "predictions/shard-000000.parquet"
    head = few.store.head(key)
    assert head is not None
    # As it is on S3, where metadata stands beside the object: the same run's name, and other rows.
    lying = StageDirectory(few.store, "", few.run.model_copy(update={"plan": many.run.plan}))
    with pytest.raises(VerificationError, match="shard 0 has other rows than its plan"):
        finish([lying], {}, None)


def test_a_plan_that_vanished_is_damage_by_name(stage: StageDirectory, tmp_path: Path) -> None:
    fill(stage)
    (tmp_path / stage.run.plan.key).unlink()
    with pytest.raises(VerificationError, match=r"plan-.*\.parquet is missing: the run is damaged"):
        finish([stage], {}, None)


def test_who_comes_second_finds_the_manifest_of_the_first(stage: StageDirectory, tmp_path: Path) -> None:
    fill(stage)
    finish([stage], {"read": 1.0}, None)
    before = (tmp_path / MANIFEST_KEY).read_bytes()
    finish([stage], {"read": 2.0}, None)
    assert (tmp_path / MANIFEST_KEY).read_bytes() == before
