"""Where an export goes: files that are created once and are never another export's."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings, sha256_of
from jobs.export.target import SUMMARY_KEY, Target, open_target, shard_file
from jobs.finishing import finish
from schemas.errors import FingerprintError, UsageError
from tests.support.open_stages import commit_rows, opened
from workers.finished_runs.run import FinishedRun, finished_run

PARTS = {"level": 1}


@pytest.fixture
def source(tmp_path: Path) -> FinishedRun:
    """A finished run of two records."""
    stage = opened(tmp_path / "run", ["a", "b"])
    commit_rows(stage, 0, ["ok", "ok"])
    finish([stage], {}, None)
    return finished_run(stage.store)


def target(source: FinishedRun, folder: Path, kind: str = "csv", **parts: int) -> Target:
    return open_target(str(folder), StorageSettings(), source, kind, {**PARTS, **parts})


def test_a_table_says_in_itself_which_run_and_export_it_is_of(source: FinishedRun, tmp_path: Path) -> None:
    made = target(source, tmp_path / "to")
    made.write_table("t.parquet", pa.table({"x": [1, 2]}), {"reference": "GRCh38"})
    metadata = pq.read_schema(tmp_path / "to" / "t.parquet").metadata
    assert metadata[b"wardround.run"].decode() == source.run.fingerprint
    assert metadata[b"wardround.fingerprint"].decode() == made.fingerprint != source.run.fingerprint
    assert metadata[b"wardround.reference"] == b"GRCh38"
    assert pq.read_table(tmp_path / "to" / "t.parquet")["x"].to_pylist() == [1, 2]


def test_the_summary_is_written_last_and_counts_for_none_of_the_files(source: FinishedRun, tmp_path: Path) -> None:
    made = target(source, tmp_path / "to")
    (tmp_path / "body").write_bytes(b"12345")
    made.write_file("a.csv", tmp_path / "body")
    assert not (tmp_path / "to" / SUMMARY_KEY).exists()
    made.finish({"rows": 2})
    assert (made.files, made.size) == (1, 5)
    said = json.loads((tmp_path / "to" / SUMMARY_KEY).read_text())
    assert (said["format"], said["rows"], said["run"]) == ("csv", 2, source.run.fingerprint)


def test_the_same_export_made_again_leaves_what_is_there(source: FinishedRun, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"12345")
    for _ in range(2):
        made = target(source, tmp_path / "to")
        made.refuse_strangers(["a.csv"])
        made.write_file("a.csv", tmp_path / "body")
        made.finish({})
    assert sha256_of((tmp_path / "to" / "a.csv").read_bytes()) == sha256_of(b"12345")


def test_another_export_at_the_same_place_is_refused_and_nothing_is_overwritten(
    source: FinishedRun, tmp_path: Path
) -> None:
    target(source, tmp_path / "to").finish({"rows": 2})
    before = (tmp_path / "to" / SUMMARY_KEY).read_bytes()
    for other in (target(source, tmp_path / "to", level=2), target(source, tmp_path / "to", kind="vcf")):
        with pytest.raises(FingerprintError, match=r"another export lies at .*nothing of it is overwritten.*--to"):
            other.finish({"rows": 2})
    assert (tmp_path / "to" / SUMMARY_KEY).read_bytes() == before


def test_other_files_than_the_export_can_write_are_counted_and_refused(source: FinishedRun, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    for name in ("a.csv", "mine.txt", "yours.txt"):
        (tmp_path / "to" / name).write_text("x")
    with pytest.raises(FingerprintError, match="2 other objects lie at"):
        target(source, tmp_path / "to").refuse_strangers(["a.csv"])


@pytest.mark.parametrize("place", ["run", "run/exports/csv", "."])
def test_a_place_inside_the_run_or_around_it_is_refused(source: FinishedRun, tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError, match="neither inside the run directory nor around it"):
        target(source, tmp_path / place)


def test_files_of_shards_sort_as_the_shards_do() -> None:
    assert [shard_file(number) for number in (0, 12)] == ["shard-000000.parquet", "shard-000012.parquet"]
