"""What a run would do, seen without a trace."""

import tempfile
from pathlib import Path

import pytest

from cluster.storage import StorageSettings
from jobs.preview import first_request, preview
from jobs.running import prepare_job
from jobs.stages import StagedJob
from schemas.errors import UsageError
from schemas.spec import Spec


def job_of(spec: Spec) -> StagedJob:
    return prepare_job(spec, StorageSettings())


def test_the_plan_is_the_one_that_the_run_made(copied: Spec, tmp_path: Path) -> None:
    with preview(job_of(copied)) as seen:
        assert (seen.info.records, seen.info.shards) == (13, 4)
        assert (tmp_path / "out" / f"plan-{seen.info.sha256}.parquet").exists()


def test_a_spread_holds_records_from_all_over_the_plan(copied: Spec) -> None:
    with preview(job_of(copied)) as seen:
        everything = [name for shard in seen.plan.shards() for name in shard["record_id"].to_pylist()]
        # 13 records, 4 of them: places 0, 13/4, 26/4 and 39/4, rounded down.
        assert seen.spread(4)["record_id"].to_pylist() == [everything[place] for place in (0, 3, 6, 9)]
        assert seen.spread(100)["record_id"].to_pylist() == everything


def test_it_leaves_nothing_at_the_output_and_no_folder_behind(
    copied: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    spec = copied.model_copy(update={"output": copied.output.model_copy(update={"uri": str(tmp_path / "new")})})
    with preview(job_of(spec)) as seen:
        assert seen.output == "nothing yet"
        assert len(list((tmp_path / "scratch").iterdir())) == 1
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_complete_run_of_the_same_spec_is_nothing_to_do(copied: Spec) -> None:
    with preview(job_of(copied)) as seen:
        assert seen.output == "this run, complete: nothing to do"


def test_of_an_unfinished_run_it_says_how_far_it_is(copied: Spec, tmp_path: Path) -> None:
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "predictions" / "shard-000002.parquet").unlink()
    with preview(job_of(copied)) as seen:
        assert seen.output == "this run, 3 of 4 shards of stage predict done: it would go on"


def test_another_run_at_the_output_is_told_with_what_changed(copied: Spec) -> None:
    other = copied.model_copy(update={"prepare": ({"channels": {"to": 1}}, {"resize": {"size": [8, 8]}})})
    with preview(job_of(other)) as seen:
        assert seen.output.startswith("another run, which would be refused; changed: prepare")


def test_the_first_request_is_that_of_the_stage_over_the_input(copied: Spec) -> None:
    request = first_request(job_of(copied))
    assert (request.plan.stage, request.directory, request.rows_dir) == ("predict", "", "predictions")


def test_an_output_of_an_unknown_scheme_is_refused_by_name(copied: Spec) -> None:
    spec = copied.model_copy(update={"output": copied.output.model_copy(update={"uri": "ftp://host/out"})})
    with pytest.raises(UsageError, match="ftp"), preview(job_of(spec)):
        pass
