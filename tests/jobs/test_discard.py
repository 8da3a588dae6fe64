"""A spec can be corrected: a run without rows is replaced, one with rows is taken away by a command, and only that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.cli.main import main
from jobs.discard import to_discard
from schemas.errors import FingerprintError, RefusedError, RejectLimitError, UsageError
from tests.support.meds import convert_spec, run_convert
from tests.support.runs import run
from tests.support.small_run import write_spec

WRONG = "prepare: [{channels: {to: 3}}]\nlimits: {max_rejects: 50%}\n"


def specs(folder: Path) -> tuple[str, str]:
    """One whose records are all rejected in the sample, and the corrected one."""
    out = str(folder / "out")
    return write_spec(folder, out, more=WRONG).read_text(), write_spec(folder, out).read_text()


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_was_stopped_before_its_first_row_is_replaced_by_the_corrected_spec(tmp_path: Path) -> None:
    wrong, right = specs(tmp_path)
    with pytest.raises(RejectLimitError, match="no row was written"):
        run(wrong)
    assert {"run.json"} < files(tmp_path / "out")
    assert run(right).manifest.statuses["ok"] == 12
    assert sum(name.startswith("plan-") for name in files(tmp_path / "out")) == 1


def test_a_run_with_rows_is_refused_with_the_command_that_takes_it_away(tmp_path: Path) -> None:
    wrong, right = specs(tmp_path)
    run(right)
    with pytest.raises(FingerprintError, match=f"wardround discard {tmp_path / 'out'} --yes"):
        run(wrong)
    assert run(right).nothing_to_do


def test_all_of_a_run_goes_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = write_spec(tmp_path, str(out)).read_text()
    run(text)
    own = files(out)
    run(write_spec(tmp_path, str(tmp_path / "other"), compute="pool: serial, shard_records: 5").read_text())
    stranger = (tmp_path / "other/predictions/shard-000000.parquet").read_bytes()
    (out / "predictions/shard-000099.parquet").write_bytes(stranger)
    (out / "notes.txt").write_text("mine")
    (out / "predictions/mine.parquet").write_bytes(b"mine")
    found = to_discard(open_store(str(out)))
    assert {info.key for info in found.objects} == own
    assert found.stays == 3
    found.carry_out(open_store(str(out)))
    assert files(out) == {"notes.txt", "predictions/mine.parquet", "predictions/shard-000099.parquet"}


def test_after_it_the_corrected_spec_runs_at_the_same_place(tmp_path: Path) -> None:
    wrong = write_spec(
        tmp_path, str(tmp_path / "out"), more="prepare: [{channels: {to: 1}}, {resize: {size: [8, 8]}}]\n"
    )
    right = write_spec(tmp_path, str(tmp_path / "out"))
    assert main(["run", str(wrong), "--progress", "none"]) == 0
    assert main(["run", str(right), "--progress", "none"]) == 3
    assert main(["discard", str(tmp_path / "out"), "--yes"]) == 0
    assert files(tmp_path / "out") == set()
    assert main(["run", str(right), "--progress", "none"]) == 0
    assert main(["verify", str(right)]) == 0
    assert main(["run", str(right), "--progress", "none"]) == 0


def test_a_conversion_goes_with_its_stages_and_its_dataset(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Patient.ndjson").write_text(
        '{"resourceType": "Patient", "id": "p", "birthDate": "1970-01-01"}\n'
    )
    store = run_convert(convert_spec(f"format: fhir, uri: {tmp_path / 'in'}", str(tmp_path / "out")))
    found = to_discard(store)
    assert found.stays == 0
    found.carry_out(store)
    assert files(tmp_path / "out") == set()


def test_what_was_stopped_in_the_middle_goes_on(tmp_path: Path) -> None:
    run(write_spec(tmp_path, str(tmp_path / "out")).read_text())
    store = open_store(str(tmp_path / "out"))
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "predictions" / "shard-000001.parquet").unlink()
    to_discard(store).carry_out(store)
    assert files(tmp_path / "out") == set()
    with pytest.raises(UsageError, match="no run lies"):
        to_discard(store)


def test_without_the_right_to_delete_it_is_refused_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, right = specs(tmp_path)
    with pytest.raises(RejectLimitError):
        run(wrong)
    unlink = os.unlink

    def refuse(path: str) -> None:
        if ".tmp-" not in path and str(tmp_path) in path and "probe" not in path:
            raise PermissionError(1, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(RefusedError, match=r"cannot be taken away.*choose another output\.uri"):
        run(right)
    assert "run.json" in files(tmp_path / "out")
