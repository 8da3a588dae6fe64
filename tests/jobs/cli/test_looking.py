"""`status`, `rows`, `verify` and `report`: what a run directory says by itself."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jobs.console import columns
from jobs.state import rate_of
from tests.support.cli import Wardround

MakeSpec = Callable[..., Path]


def test_status_of_a_finished_run_says_when_and_what(wardround: Wardround, finished: Path) -> None:
    said = wardround("status", finished)
    assert said.code == 0
    assert re.search(r"state +complete since \d{4}-", said.out)
    assert re.search(r"shards +4 of 4\n", said.out)
    assert re.search(r"records +20 of 20\n", said.out)


def test_status_of_an_unfinished_run_counts_what_is_committed(wardround: Wardround, run_dir: Path) -> None:
    (run_dir / "manifest.json").unlink()
    (run_dir / "predictions" / "shard-000001.parquet").unlink()
    said = wardround("status", run_dir)
    assert said.code == 0
    assert re.search(r"state +not complete\n", said.out)
    assert re.search(r"shards +3 of 4\n", said.out)
    assert re.search(r"records +14 of 20\n", said.out)
    assert "last commit" in said.out


def test_status_shows_the_stages_of_a_run_by_frame(
    wardround: Wardround, make_spec: MakeSpec, archive: Path, tmp_path: Path
) -> None:
    spec = make_spec(input=f"{{collection: images, uri: {archive}, record: frame}}")
    assert wardround("run", spec).code == 0
    facts = json.loads(wardround("status", tmp_path / "out", "--json").out)
    assert [stage["stage"] for stage in facts["stages"]] == ["headers", "predict"]
    assert all(stage["rows"] == stage["records"] for stage in facts["stages"])
    assert wardround("verify", tmp_path / "out").code == 0


def test_the_rate_is_that_of_the_last_ten_minutes() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    commits = [(start, 100), (start + timedelta(hours=5), 100), (start + timedelta(hours=5, seconds=10), 50)]
    assert rate_of(commits) == 5.0
    assert rate_of(commits[:1]) is None
    assert rate_of([]) is None


def test_rows_shows_all_that_is_not_ok_in_plan_order_with_the_reason(wardround: Wardround, finished: Path) -> None:
    said = wardround("rows", finished)
    assert said.code == 0
    lines = [re.split(r" {2,}", line) for line in said.out.splitlines()]
    assert lines[0] == ["record_id", "status", "detail"]
    assert [line[:2] for line in lines[1:]] == [
        ["dicom/MR_truncated.dcm", "unreadable"],
        ["dicom/rtplan.dcm", "no_pixels"],
        ["empty.png", "unreadable"],
        ["letter.txt", "unreadable"],
    ]
    assert all(len(line) == 3 for line in lines)


def test_a_name_cannot_break_the_table_or_command_the_terminal() -> None:
    assert columns([("record_id", "status"), ("a\nb\x1b[31m é", "ok")]).splitlines()[1:] == ["a\\nb\\x1b[31m é  ok"]


def test_rows_of_one_status_are_limited_and_say_so(wardround: Wardround, finished: Path) -> None:
    said = wardround("rows", finished, "--status", "unreadable", "--limit", "2", "--json")
    assert [json.loads(line)["record_id"] for line in said.out.splitlines()] == ["dicom/MR_truncated.dcm", "empty.png"]
    assert "more than 2: --limit 0 shows all" in said.err
    assert len(wardround("rows", finished, "--status", "ok", "--limit", "0", "--json").out.splitlines()) == 16


def test_scored_rows_show_what_the_models_said(wardround: Wardround, finished: Path) -> None:
    said = wardround("rows", finished, "--status", "ok", "--limit", "2")
    header, first, _ = (re.split(r" {2,}", line.strip()) for line in said.out.splitlines())
    assert header == ["record_id", "status", "values, or why there are none"]
    assert "scores" in first[2]
    (row,) = wardround("rows", finished, "--status", "ok", "--limit", "1", "--json").out.splitlines()
    assert list(json.loads(row)["values"]) == ["scores"]


def test_several_statuses_behind_one_switch_are_told_how_to_be_asked(wardround: Wardround, finished: Path) -> None:
    said = wardround("rows", finished, "--status", "missing", "empty")
    assert said.code == 2
    assert "unexpected 'empty': one status at a time, --status missing --status empty" in said.err
    assert "no record has the status missing or empty" in (
        wardround("rows", finished, "--status", "missing", "--status", "empty").err
    )
    assert "unexpected 'x'; see wardround status --help" in wardround("status", finished, "x").err


def test_where_nothing_was_rejected_a_few_scores_are_shown(
    wardround: Wardround, make_spec: MakeSpec, archive: Path, finished: Path, tmp_path: Path
) -> None:
    scored = wardround("rows", finished, "--status", "ok", "--limit", "3", "--json").out.splitlines()
    table = tmp_path / "good.csv"
    table.write_text("uri\n" + "".join(f"{archive / json.loads(line)['record_id']}\n" for line in scored))
    assert wardround("run", make_spec(input=f"{{collection: images, uri: {table}, roots: [{archive}]}}")).code == 0
    said = wardround("rows", tmp_path / "out")
    assert "every record that was scored so far is ok" in said.err
    assert len(said.out.splitlines()) == 4


def test_status_of_an_unfinished_run_counts_each_model(
    wardround: Wardround, make_spec: MakeSpec, model: Path, tmp_path: Path
) -> None:
    wardround("run", make_spec(models=f"{{a: {{uri: {model}}}, b: {{uri: {model}}}}}"))
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "predictions" / "shard-000001.parquet").unlink()
    facts = json.loads(wardround("status", tmp_path / "out", "--json").out)["stages"][-1]
    assert facts["models"]["b"] == facts["statuses"]
    assert re.search(r"\n +in b +ok \d+, unreadable 2, no_pixels 1\n", wardround("status", tmp_path / "out").out)


def test_rows_of_an_unfinished_run_are_those_that_are_there(wardround: Wardround, run_dir: Path) -> None:
    (run_dir / "manifest.json").unlink()
    (run_dir / "predictions" / "shard-000001.parquet").unlink()
    found = wardround("rows", run_dir, "--json").out
    assert "letter.txt" not in found
    assert "rtplan" in found


def test_rows_of_one_model_among_several_go_by_that_model(
    wardround: Wardround, make_spec: MakeSpec, model: Path, tmp_path: Path
) -> None:
    wardround("run", make_spec(models=f"{{a: {{uri: {model}}}, b: {{uri: {model}}}}}"))
    found = wardround("rows", tmp_path / "out", "--model", "b", "--status", "no_pixels", "--json").out
    assert json.loads(found)["record_id"] == "dicom/rtplan.dcm"
    said = wardround("rows", tmp_path / "out", "--model", "c")
    assert said.code == 2
    assert "it has a, b" in said.err


def test_verify_counts_what_it_proved(wardround: Wardround, finished: Path) -> None:
    facts = json.loads(wardround("verify", finished, "--json").out)
    assert facts["verified"]
    assert facts["rows"] == 20


@pytest.mark.parametrize("name", ["predictions/shard-000002.parquet", "run.json"])
def test_verify_finds_one_changed_byte(wardround: Wardround, run_dir: Path, name: str) -> None:
    path = run_dir / name
    body = bytearray(path.read_bytes())
    place = body.index(b"wardround") if name == "run.json" else len(body) // 2
    body[place] ^= 1
    path.write_bytes(body)
    said = wardround("verify", run_dir)
    assert said.code == 5
    assert name in said.err


def test_verify_finds_a_missing_and_a_foreign_object(wardround: Wardround, run_dir: Path) -> None:
    moved = run_dir / "predictions" / "shard-000001.parquet"
    moved.rename(run_dir / "predictions" / "shard-000009.parquet")
    said = wardround("verify", run_dir)
    assert said.code == 5
    assert "shard-000001.parquet is missing" in said.err
    assert "shard-000009.parquet lies in a folder of the run, and neither plan nor rows name it" in said.err


def test_verify_finds_rows_that_were_rewritten_without_their_order(wardround: Wardround, run_dir: Path) -> None:
    path = run_dir / "predictions" / "shard-000000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take(list(reversed(range(table.num_rows)))), path)
    assert wardround("verify", run_dir).code == 5


def test_a_shard_that_broke_before_the_manifest_is_not_signed_and_is_scored_anew_once_moved_away(
    wardround: Wardround, make_spec: MakeSpec, finished: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(finished, tmp_path / "out")
    (out / "manifest.json").unlink()
    shard = out / "predictions" / "shard-000001.parquet"
    column = pq.read_metadata(shard).row_group(0).column(0)
    body = bytearray(shard.read_bytes())
    body[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    shard.write_bytes(body)
    said = wardround("run", make_spec())
    assert (said.code, (out / "manifest.json").exists()) == (5, False)
    assert "predictions/shard-000001.parquet is damaged" in said.err
    shard.unlink()
    assert wardround("run", make_spec()).code == 0
    assert wardround("verify", out).code == 0


@pytest.mark.parametrize("other", ["shard-000002.parquet", None])
def test_a_shard_object_that_is_another_or_broken_is_named_and_not_counted(
    wardround: Wardround, make_spec: MakeSpec, finished: Path, tmp_path: Path, other: str | None
) -> None:
    rows = shutil.copytree(finished, tmp_path / "out") / "predictions"
    (tmp_path / "out" / "manifest.json").unlink()
    (rows / "shard-000001.parquet").write_bytes((rows / other).read_bytes() if other else b"")
    said = wardround("run", make_spec())
    assert said.code == 3
    assert "predictions/shard-000001.parquet" in said.err
    assert "move it away" in said.err
    (rows / "shard-000001.parquet").unlink()
    assert wardround("run", make_spec()).code == 0
    assert wardround("verify", tmp_path / "out").code == 0


def test_verify_finds_a_plan_that_is_damaged_or_gone(wardround: Wardround, run_dir: Path) -> None:
    (plan,) = run_dir.glob("plan-*.parquet")
    plan.write_bytes(plan.read_bytes()[:-20])
    said = wardround("verify", run_dir)
    assert (said.code, "not the plan that run.json names" in said.err) == (5, True)
    plan.unlink()
    said = wardround("verify", run_dir)
    assert (said.code, "is missing" in said.err) == (5, True)


@pytest.mark.parametrize("gone", [True, False])
def test_a_run_whose_plan_is_damaged_or_gone_is_not_resumed(
    wardround: Wardround, make_spec: MakeSpec, finished: Path, tmp_path: Path, gone: bool
) -> None:
    shutil.copytree(finished, tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "predictions" / "shard-000001.parquet").unlink()
    (plan,) = (tmp_path / "out").glob("plan-*.parquet")
    body = plan.read_bytes()
    plan.unlink() if gone else plan.write_bytes(body[:40] + b"x" + body[41:])
    said = wardround("run", make_spec())
    assert said.code == 3
    assert "restore it" in said.err


def test_verify_of_an_unfinished_run_is_4(wardround: Wardround, run_dir: Path) -> None:
    (run_dir / "manifest.json").unlink()
    said = wardround("verify", run_dir)
    assert said.code == 4
    assert "not complete" in said.err


def test_a_run_of_a_newer_format_is_not_guessed_at(wardround: Wardround, run_dir: Path) -> None:
    path = run_dir / "run.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2', 1))
    said = wardround("status", run_dir)
    assert said.code == 5
    assert "format version 2" in said.err


def test_the_report_is_made_again_and_is_the_same(wardround: Wardround, run_dir: Path) -> None:
    wardround("report", run_dir)
    before = (run_dir / "report.html").read_bytes()
    (run_dir / "report.html").unlink()
    assert wardround("report", run_dir).out == f"{run_dir}/report.html\n"
    assert (run_dir / "report.html").read_bytes() == before


def test_the_report_stands_alone_and_says_what_was_used(finished: Path) -> None:
    text = (finished / "report.html").read_text()
    run = json.loads((finished / "run.json").read_text())
    assert run["models"]["mean"]["sha256"] in text
    assert run["fingerprint"] in text
    assert "no_pixels" in text
    assert not re.search(r"(src|href)=|url\(|<script", text)


def test_the_report_escapes_what_a_person_wrote(wardround: Wardround, make_spec: MakeSpec, tmp_path: Path) -> None:
    wardround("run", make_spec(name="'<script>alert(1)</script>'"))
    text = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_report_of_an_unfinished_run_is_4(wardround: Wardround, run_dir: Path) -> None:
    (run_dir / "manifest.json").unlink()
    assert wardround("report", run_dir).code == 4
