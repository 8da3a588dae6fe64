"""How much memory there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.models import device_memory


def test_a_group_of_processes_has_what_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_memory, "_CGROUPS", ())
    whole = device_memory.room_on("cpu")
    assert whole > 1 << 28
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(device_memory, "_CGROUPS", (limit, tmp_path / "none"))
    limit.write_text("max\n")
    assert device_memory.room_on("cpu") == whole
    limit.write_text("1000000\n")
    assert device_memory.room_on("cpu") == 1_000_000
