"""Files that a model gives for single records: written before their rows, vouched for, found again, never lost."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from cluster.storage import open_store
from jobs.leftovers import leftovers
from jobs.verification.verify import verify
from schemas.errors import VerificationError
from schemas.sealed_json import sealed
from tests.support.heat import make_heat_model
from tests.support.runs import rows, run
from tests.support.small_run import finish, go_on, start, write_spec
from workers.finished_runs.run import finished_run

NOW = timedelta(0)


def spec_of(folder: Path, name: str, models: str = "heat", compute: str = "pool: serial, shard_records: 4") -> Path:
    """A spec over the small archive with one heat model under these names."""
    make_heat_model(folder / "heat")
    path = write_spec(folder, str(folder / name), compute)
    named = ", ".join(f"{model}: {{uri: {folder / 'heat'}}}" for model in models.split())
    text = path.read_text().replace(f"models: {{mean: {{uri: {folder / 'model'}}}}}", f"models: {{{named}}}")
    other = folder / f"{name}.yaml"
    other.write_text(text)
    return other


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """A folder with the same archive and nothing else."""
    (tmp_path / "archive").symlink_to(root / "archive")
    (tmp_path / "model").symlink_to(root / "model")
    return tmp_path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    run(spec_of(folder, "out").read_text())
    return folder


def objects_of(out: Path) -> dict[str, bytes]:
    """Every side object by its key; not what a writer that was killed did not finish."""
    paths = (path for path in sorted((out / "objects").rglob("*.*")) if not path.name.startswith("."))
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def test_each_scored_record_has_its_files_and_no_other_has_any(root: Path) -> None:
    found = rows(root / "out")
    good = found.filter(pl.col("status") == "ok")
    assert good.height == 12
    assert found.filter(pl.col("status") != "ok")["heat"].to_list() == [None]
    assert sorted([*good["heat"], *good["mask"]]) == sorted(objects_of(root / "out"))


def test_the_files_are_those_of_the_row_that_refers_to_them(root: Path) -> None:
    for row in rows(root / "out").filter(pl.col("status") == "ok").iter_rows(named=True):
        image = cv2.imread(str(root / "archive" / row["record_id"]), cv2.IMREAD_UNCHANGED).astype(np.float32)
        heat = np.load(root / "out" / row["heat"])
        assert heat.shape == (1, *image.shape)
        np.testing.assert_allclose(heat[0], cv2.blur(image, (3, 3), borderType=cv2.BORDER_CONSTANT), rtol=1e-5)
        assert abs(heat.mean() - row["score"]) < 1e-3
        mask = cv2.imread(str(root / "out" / row["mask"]), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, heat[0] > 127)


def test_no_name_tells_of_a_record(root: Path) -> None:
    stems = {Path(name).stem for name in rows(root / "out")["record_id"]}
    assert not any(stem in Path(key).name for key in objects_of(root / "out") for stem in stems if len(stem) > 3)
    assert all(key.startswith(("objects/heat/00000", "objects/mask/00000")) for key in objects_of(root / "out"))


def test_the_manifest_lists_them_and_each_shard_vouches_for_its_own(root: Path) -> None:
    finished = finished_run(open_store(str(root / "out")))
    listed = {record.key: record.sha256 for record in finished.manifest.files if record.key.startswith("objects/")}
    assert listed.keys() == objects_of(root / "out").keys()
    vouched = [ref for shard in finished.shards() for ref in finished.stage.side_objects(shard)]
    assert {ref.key: ref.sha256 for ref in vouched} == listed
    for shard, table in finished.tables(["heat"]):
        own = {ref.key for ref in finished.stage.side_objects(shard)}
        assert own >= set(table["heat"].drop_null().to_pylist())


def test_batches_and_shards_of_another_size_give_the_same_files(root: Path, folder: Path) -> None:
    run(spec_of(folder, "out", compute="pool: serial, shard_records: 64").read_text())
    ours, theirs = rows(root / "out"), rows(folder / "out")
    assert ours["record_id"].equals(theirs["record_id"])
    for column in ("heat", "mask"):
        for one, other in zip(ours[column].drop_nulls(), theirs[column].drop_nulls(), strict=True):
            assert (root / "out" / one).read_bytes() == (folder / "out" / other).read_bytes()


def test_several_models_have_their_files_apart(root: Path) -> None:
    run(spec_of(root, "two", models="a b").read_text())
    found = rows(root / "two").filter(pl.col("status") == "ok")
    assert found["a__heat"].str.starts_with("objects/a__heat/").all()
    assert found["b__mask"].str.starts_with("objects/b__mask/").all()
    assert len(objects_of(root / "two")) == 4 * 12
    verify(open_store(str(root / "two")))


@pytest.mark.parametrize(
    "point", ["side.before_put:3", "side.after_put:5", "commit.before_encode:2", "commit.after_put:9"]
)
def test_a_run_that_was_killed_beside_its_files_ends_as_if_it_had_not(root: Path, folder: Path, point: str) -> None:
    spec = spec_of(folder, "out")
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": point}))
    assert code < 0
    code, said = go_on(spec)
    assert code == 0, said
    verify(open_store(str(folder / "out")))
    assert {one.kind for one in leftovers(open_store(str(folder / "out")), NOW)} <= {"unfinished write"}
    columns = ["record_id", "status", "score"]
    assert rows(folder / "out").select(columns).equals(rows(root / "out").select(columns))
    assert sorted(objects_of(folder / "out").values()) == sorted(objects_of(root / "out").values())


@pytest.mark.long
def test_a_record_that_kills_its_process_has_no_file_and_its_neighbours_have_theirs(folder: Path) -> None:
    spec = spec_of(folder, "out", compute="pool: ray, shard_records: 4")
    code, said = finish(start(spec, {"WARDROUND_CRASH_AT": "forward.record:1:02.png"}), 240)
    assert code == 0, said
    verify(open_store(str(folder / "out")))
    found = rows(folder / "out")
    killed = found.filter(pl.col("record_id") == "02.png")
    assert killed.select("status", "heat", "mask").rows() == [("crashed_worker", None, None)]
    others = found.filter(pl.col("status") == "ok")
    assert sorted([*others["heat"], *others["mask"]]) == sorted(objects_of(folder / "out"))
    assert others.height == 11


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """The run, in a folder that a test may damage."""
    shutil.copytree(root / "out", tmp_path / "out")
    return tmp_path / "out"


def test_a_file_that_was_tampered_with_is_found(copied: Path) -> None:
    key = min(objects_of(copied))
    (copied / key).write_bytes(b"another heat map")
    with pytest.raises(VerificationError, match="sha256 differs"):
        verify(open_store(str(copied)))


def test_a_file_that_is_gone_is_found(copied: Path) -> None:
    (copied / max(objects_of(copied))).unlink()
    with pytest.raises(VerificationError, match="is missing"):
        verify(open_store(str(copied)))


def test_a_file_that_the_manifest_forgets_is_found(copied: Path) -> None:
    key = min(objects_of(copied))
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["files"] = [record for record in manifest["files"] if record["key"] != key]
    (copied / "manifest.json").write_bytes(sealed(manifest))
    with pytest.raises(VerificationError, match="not named by the manifest"):
        verify(open_store(str(copied)))


def test_what_no_row_refers_to_is_a_leftover_if_its_name_proves_it_ours(copied: Path) -> None:
    key = min(objects_of(copied))
    folder = (copied / key).parent
    orphan = folder / f"{Path(key).name.partition('-')[0]}-{'0' * 16}.npy"
    orphan.write_bytes(b"what a worker wrote whose row was never committed")
    stranger = folder / f"{'0' * 32}-{'0' * 16}.npy"
    stranger.write_bytes(b"of somebody else")
    (folder / "notes.txt").write_text("of somebody else")
    found = list(leftovers(open_store(str(copied)), NOW))
    assert [(one.kind, one.key) for one in found] == [("side object of no rows", str(orphan.relative_to(copied)))]
