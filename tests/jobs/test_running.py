"""Every writer of a run directory goes by what its spec says of the store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.execute import pool_settings
from jobs.hosts import open_host
from jobs.running import run_stages
from schemas.errors import RejectLimitError, SpecError, StoreError
from schemas.spec import parse_spec
from tests.chaos.archive import make_model
from tests.support.runs import QUIET, run
from tests.support.small_run import make_archive, write_spec


def no_links(*paths: object) -> None:
    """What vfat and some network disks answer to link(2)."""
    raise PermissionError(1, "Operation not permitted")


def test_a_single_committer_writes_nothing_under_a_condition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    text = write_spec(tmp_path, f"{tmp_path / 'out'}, single_committer: true").read_text()
    assert run(text).manifest.records == 13
    assert run(text).nothing_to_do


@pytest.mark.parametrize(("more", "told"), [(", single_committer: true", 1), ("", 0)])
def test_what_a_single_committer_cannot_promise_is_said_before_the_run_begins(
    tmp_path: Path, more: str, told: int
) -> None:
    said: list[bool] = []

    def announce(line: str) -> None:
        if "single_committer" in line:
            assert "run one driver only, and verify the run at its end" in line
            said.append((tmp_path / "out").exists())

    run_stages(parse_spec(write_spec(tmp_path, f"{tmp_path / 'out'}{more}").read_text()), open_host, QUIET, announce)
    assert said == [False] * told


def test_a_single_committer_gets_no_hedged_copies(tmp_path: Path) -> None:
    alone, usual = (
        parse_spec(write_spec(tmp_path, f"{tmp_path / name}{more}").read_text())
        for name, more in (("a", ", single_committer: true"), ("b", ""))
    )
    assert (pool_settings(alone).hedge, pool_settings(usual).hedge) == (False, True)


def test_without_it_a_disk_without_links_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    text = write_spec(tmp_path, str(tmp_path / "out")).read_text()
    with pytest.raises(StoreError, match="single_committer"):
        run(text)


@pytest.mark.parametrize("there", [False, True])
def test_an_empty_input_leaves_no_folder_that_was_not_there(tmp_path: Path, there: bool) -> None:
    text = write_spec(tmp_path, str(tmp_path / "results" / "out")).read_text()
    for path in (tmp_path / "archive").iterdir():
        path.unlink()
    if there:
        (tmp_path / "results").mkdir()
    with pytest.raises(SpecError, match="no records"):
        run(text)
    assert (tmp_path / "results").exists() == there
    assert not (tmp_path / "results" / "out").exists()


def test_a_run_in_which_nothing_fits_its_model_is_stopped_early(tmp_path: Path) -> None:
    """No limit was set: a whole first sample that is refused for what it is says that the spec is wrong."""
    make_archive(tmp_path / "archive", images=80)
    make_model(tmp_path / "model")
    text = write_spec(tmp_path, str(tmp_path / "out"), more="prepare: [{channels: {to: 3}}]\n").read_text()
    (tmp_path / "archive" / "05-letter.txt").unlink()
    with pytest.raises(
        RejectLimitError, match=r"not one of the first 64 records fits the model \(out_of_contract 64\)"
    ):
        run(text)
    # Whoever wants the rows says so, and goes on from there.
    assert run(text + "limits: {max_rejects: 100%}\n").manifest.statuses == {"out_of_contract": 80}


def test_a_long_shard_has_no_deadline_and_no_copy() -> None:
    spec = parse_spec("job: train\nname: n\ninput: {}\noutput: {uri: out}\n")
    usual, long = pool_settings(spec), pool_settings(spec, "long")
    assert (usual.shard_deadline_s, usual.hedge) == (3600.0, True)
    assert (long.shard_deadline_s, long.hedge) == (None, False)
