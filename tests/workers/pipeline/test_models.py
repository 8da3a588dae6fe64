"""Where the measured batch size is kept."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.storage import open_store
from workers.pipeline.models import keep_tuning, known_tuning

CHOICE = {"batch": 8, "channels_last": False}


def context(folder: Path, single_committer: bool) -> Any:
    run = SimpleNamespace(fingerprint="f" * 64)
    return SimpleNamespace(store=open_store(str(folder), single_committer=single_committer), gpus=0, run=run)


def no_links(*paths: object) -> None:
    """What vfat and some network disks answer to link(2)."""
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("single_committer", [False, True])
def test_the_first_measurement_stays(tmp_path: Path, single_committer: bool) -> None:
    here = context(tmp_path, single_committer)
    keep_tuning(here, {"m": {"(1,)": CHOICE}})
    keep_tuning(here, {"m": {"(1,)": {**CHOICE, "batch": 16}}})
    assert known_tuning(here, "cpu") == {"m": {"(1,)": CHOICE}}


def test_a_disk_without_hard_links_keeps_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    here = context(tmp_path, single_committer=True)
    keep_tuning(here, {"m": {"(1,)": CHOICE}})
    assert known_tuning(here, "cpu") == {"m": {"(1,)": CHOICE}}
