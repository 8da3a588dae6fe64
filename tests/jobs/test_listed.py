"""When the input was listed, and how much it held then, stands in what a run writes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.jobs.test_genotype_cases import SOURCE
from tests.support.genotype_runs import spec, weights_of, write_score
from tests.support.plink_files import cohort, write_bed
from tests.support.runs import run
from tests.support.small_run import write_spec


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def listed(path: Path) -> dict[str, object]:
    found = json.loads(path.read_text())["recorded"]["listed"]
    assert isinstance(found, dict)
    return found


def test_the_run_file_and_the_report_say_how_many_records_were_listed_and_when(tmp_path: Path) -> None:
    before = now()
    text = write_spec(tmp_path, str(tmp_path / "out")).read_text()
    run(text)
    found = listed(tmp_path / "out/run.json")
    began, ended = (datetime.fromisoformat(str(found[at])) for at in ("from", "to"))
    assert before <= began <= ended <= now()
    assert found["records"] == len(list((tmp_path / "archive").iterdir()))
    # Another time, in which nothing is listed.
    (tmp_path / "out/manifest.json").unlink()
    run(text)
    assert listed(tmp_path / "out/run.json") == found


def test_the_report_tells_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jobs.cli.main import main

    path = write_spec(tmp_path, str(tmp_path / "out"))
    assert main(["run", str(path), "--progress", "none"]) == 0
    found = listed(tmp_path / "out/run.json")
    assert f"Listed: 13 records, {found['from']} to {found['to']}." in (tmp_path / "out/report.html").read_text()


def test_a_later_stage_says_what_the_first_one_listed(tmp_path: Path) -> None:
    data = cohort(61, 60)
    write_bed(tmp_path, data)
    write_score(tmp_path / "scores/S1.txt", weights_of(data))
    run(spec(tmp_path, SOURCE))
    stages = sorted(
        (tmp_path / "out/stages").glob("*/run.json"), key=lambda path: json.loads(path.read_text())["created"]
    )
    of_all = [listed(path) for path in (*stages, tmp_path / "out/run.json")]
    assert len(of_all) > 1
    assert all(each == of_all[0] for each in of_all)
