"""Every writer of a run directory goes by what its spec says of the store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.errors import StoreError
from tests.support.runs import run
from tests.support.small_run import write_spec


def no_links(*paths: object) -> None:
    """What vfat and some network disks answer to link(2)."""
    raise PermissionError(1, "Operation not permitted")


def test_a_single_committer_writes_nothing_under_a_condition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    text = write_spec(tmp_path, f"{tmp_path / 'out'}, single_committer: true").read_text()
    assert run(text).manifest.records == 13
    assert run(text).nothing_to_do


def test_without_it_a_disk_without_links_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    text = write_spec(tmp_path, str(tmp_path / "out")).read_text()
    with pytest.raises(StoreError, match="single_committer"):
        run(text)
