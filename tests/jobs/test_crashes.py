"""A run that dies at any step goes on from there, and ends as if nothing had happened."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import Store, open_store
from jobs.verification.verify import verify
from schemas.crashpoints import POINTS
from tests.chaos.harness import logical_content
from tests.support.seaweed import S3
from tests.support.small_run import ROOT, finish, go_on, start, write_spec

# The plan is the first object that is committed, run.json the second, then the shards, then the manifest.
COMMITS = [f"commit.{step}:{nth}" for step in ("before_put", "after_put") for nth in (1, 2, 3, 5)]
STEPS = ["plan.before_put", "plan.after_put", "run.before_put", "run.after_put", "commit.before_encode:2"]
ENDS = ["manifest.before_put", "manifest.after_put", "report.before_put"]
RECORDS = {"decode.record", "forward.record"}
FITS = {"checkpoint.before_put", "checkpoint.after_put", "fit.step"}
"""Points of a training: `test_train_crashes.py` passes through them."""
SIDES = {"side.before_put", "side.after_put"}
"""Points in stages that write side objects too: `test_convert_crashes.py` passes through them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archive, model and specs of the module."""
    return tmp_path_factory.mktemp("crashes")


@pytest.fixture(scope="module")
def clean(folder: Path) -> pl.DataFrame:
    """The rows of a run that nobody disturbs."""
    code, said = go_on(write_spec(folder, str(folder / "clean")))
    assert code == 0, said
    return logical_content(open_store(str(folder / "clean")))


def assert_as_if_nothing_had_happened(store: Store, clean: pl.DataFrame) -> None:
    verify(store)
    assert logical_content(store).equals(clean)


@pytest.mark.parametrize("point", STEPS + COMMITS + ENDS)
def test_a_run_killed_at_this_step_is_completed_by_the_same_command(
    folder: Path, clean: pl.DataFrame, point: str
) -> None:
    output = folder / point.replace(":", "-")
    spec = write_spec(folder, str(output))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = go_on(spec)
    assert code == 0, said
    assert_as_if_nothing_had_happened(open_store(str(output)), clean)


@pytest.mark.parametrize(
    "point",
    [pytest.param("commit.before_put:4", marks=pytest.mark.long), "commit.after_put:4", "manifest.before_put"],
)
def test_the_same_holds_on_a_real_s3_server(
    folder: Path, clean: pl.DataFrame, s3: S3, bucket_prefix: str, point: str
) -> None:
    spec = write_spec(folder, bucket_prefix, more=f"storage: {{endpoint_url: '{s3.endpoint_url}'}}\n")
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = go_on(spec)
    assert code == 0, said
    assert_as_if_nothing_had_happened(open_store(bucket_prefix, s3.settings), clean)


def test_every_crash_point_of_the_source_is_known_and_tested() -> None:
    source = [path for layer in ("jobs", "workers", "cluster") for path in (ROOT / layer).rglob("*.py")]
    found = {name for path in source for name in re.findall(r'crashpoint\("([a-z_.]+)"', path.read_text())}
    assert found == POINTS
    assert {point.partition(":")[0] for point in STEPS + COMMITS + ENDS} | RECORDS | SIDES | FITS == POINTS


def test_a_record_that_kills_its_decoder_twice_is_a_row_and_the_others_are_scored(
    folder: Path, clean: pl.DataFrame, tmp_path: Path
) -> None:
    spec = write_spec(folder, str(tmp_path / "out"), "pool: serial, shard_records: 4, decode: processes")
    code, said = finish(start(spec, {"WARDROUND_CRASH_AT": "decode.record:1:03.png"}))
    assert code == 0, said
    assert_only_one_crashed(tmp_path / "out", clean, "03.png")


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.parametrize("point", ["forward.record", "decode.record"])
def test_a_record_that_kills_the_whole_worker_is_found_by_halving(
    folder: Path, clean: pl.DataFrame, tmp_path: Path, point: str
) -> None:
    spec = write_spec(folder, str(tmp_path / "out"), "workers: 1, shard_records: 4, decode: threads")
    code, said = finish(start(spec, {"WARDROUND_CRASH_AT": f"{point}:1:03.png"}), 280)
    assert code == 0, said
    assert_only_one_crashed(tmp_path / "out", clean, "03.png")


def assert_only_one_crashed(output: Path, clean: pl.DataFrame, record_id: str) -> None:
    verify(open_store(str(output)))
    found = logical_content(open_store(str(output)))
    assert found["record_id"].to_list() == clean["record_id"].to_list()
    crashed = found.filter(pl.col("status") == "crashed_worker")
    assert crashed["record_id"].to_list() == [record_id]
    others = pl.col("record_id") != record_id
    assert found.filter(others).equals(clean.filter(others))


@pytest.mark.ray
def test_two_drivers_on_one_run_are_safe(folder: Path, clean: pl.DataFrame, tmp_path: Path) -> None:
    spec = write_spec(folder, str(tmp_path / "out"), "workers: 1, shard_records: 1")
    ended = [finish(process, 280) for process in (start(spec), start(spec))]
    assert [code for code, _ in ended] == [0, 0], ended
    assert_as_if_nothing_had_happened(open_store(str(tmp_path / "out")), clean)
