"""`wardround run`, from the first command to the one that has nothing to do."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import Wardround, finish, spec_text, start
from tests.support.seaweed import S3

MakeSpec = Callable[..., Path]


def test_a_run_ends_with_a_short_table_on_stdout_and_its_steps_on_stderr(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path
) -> None:
    said = wardround("run", make_spec())
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[:4] == [["records", "20"], ["ok", "16"], ["unreadable", "3"], ["no_pixels", "1"]]
    assert lines[-1] == ["lies", "at", str(tmp_path / "out")]
    assert "20 records in 4 shards, 4 to do" in said.err
    assert (tmp_path / "out" / "report.html").exists()


def test_the_same_command_again_has_nothing_to_do(wardround: Wardround, make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec()
    wardround("run", spec)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    said = wardround("run", spec)
    assert said.code == 0
    assert "nothing to do" in said.out
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}


def test_json_is_one_object_on_stdout_and_progress_none_is_silent(wardround: Wardround, make_spec: MakeSpec) -> None:
    said = wardround("run", make_spec(), "--json", "--progress", "none")
    facts = json.loads(said.out)
    assert facts["statuses"] == {"ok": 16, "unreadable": 3, "no_pixels": 1}
    assert (facts["records"], facts["complete"], facts["nothing_to_do"]) == (20, True, False)
    assert said.err == ""


def test_another_spec_on_the_same_output_is_refused_and_told_what_changed(
    wardround: Wardround, make_spec: MakeSpec
) -> None:
    wardround("run", make_spec())
    said = wardround("run", make_spec(compute="{pool: serial, shard_records: 7}"))
    assert said.code == 3
    assert "compute.shard_records (was 6, is 7)" in said.err


def test_a_run_over_its_reject_limit_ends_with_6_and_writes_no_row(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path
) -> None:
    said = wardround("run", make_spec(limits="{max_rejects: 5%}"))
    assert said.code == 6
    assert "4 of 20 sampled records were rejected" in said.err
    assert not list((tmp_path / "out").rglob("shard-*"))


def test_a_run_that_died_before_its_report_gets_it_from_the_same_command(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = make_spec()
    died = finish(start("run", spec, WARDROUND_CRASH_AT="report.before_put"))
    assert died.code == -signal.SIGKILL
    assert (tmp_path / "out" / "manifest.json").exists()
    assert not (tmp_path / "out" / "report.html").exists()
    again = wardround("run", spec)
    assert again.code == 0
    assert "nothing to do" in again.out
    assert (tmp_path / "out" / "report.html").exists()


def test_a_run_that_died_in_a_commit_is_finished_by_the_same_command(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = make_spec()
    # Every shard passes the point twice: plan and run.json come first.
    died = finish(start("run", spec, WARDROUND_CRASH_AT="commit.after_put:4"))
    assert died.code == -signal.SIGKILL
    state = json.loads(wardround("status", tmp_path / "out", "--json").out)
    assert not state["complete"]
    assert 0 < state["stages"][0]["shards_done"] < 4
    said = wardround("run", spec)
    assert said.code == 0
    assert wardround("verify", tmp_path / "out").code == 0


def test_a_run_on_s3_can_be_looked_at_and_proved_from_storage_alone(
    wardround: Wardround, s3: S3, bucket_prefix: str, archive: Path, model: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "s3.yaml"
    storage = f'{{endpoint_url: "{s3.endpoint_url}"}}'
    spec.write_text(spec_text(str(archive), str(model), output=f"{{uri: {bucket_prefix}/out}}", storage=storage))
    assert wardround("run", spec).code == 0
    assert json.loads(wardround("status", spec, "--json").out)["complete"]
    rows = [json.loads(line) for line in wardround("rows", spec, "--json").out.splitlines()]
    assert [row["record_id"] for row in rows] == [
        "dicom/MR_truncated.dcm",
        "dicom/rtplan.dcm",
        "empty.png",
        "letter.txt",
    ]
    assert wardround("verify", spec).code == 0
    assert "nothing is left over" in wardround("gc", spec, "--older-than", "0s").err
    store = s3.store(f"{bucket_prefix.rsplit('/', 1)[1]}/out")
    body = store.get("predictions/shard-000002.parquet")
    store.put("predictions/shard-000002.parquet", body[:100] + b"X" + body[101:], {})
    said = wardround("verify", spec)
    assert said.code == 5
    assert "predictions/shard-000002.parquet" in said.err


def test_a_run_may_be_named_by_its_uri_where_the_environment_says_how_to_reach_it(
    wardround: Wardround,
    s3: S3,
    bucket_prefix: str,
    archive: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint_url)
    spec = tmp_path / "s3.yaml"
    spec.write_text(spec_text(str(archive), str(model), output=f"{{uri: {bucket_prefix}/out}}"))
    assert wardround("run", spec, "--progress", "none").code == 0
    assert "16" in wardround("status", f"{bucket_prefix}/out").out
