"""The check of sizes finds what is too long."""

from __future__ import annotations

from pathlib import Path

from tests.check_sizes import measure


def test_long_files_and_functions_are_named(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "long.py").write_text("def f():\n" + "    pass\n" * 60 + "x = 1\n" * 400)
    _, faults = measure(tmp_path)
    assert faults == ["jobs/long.py: 461 lines, more than 400", "jobs/long.py: f has 61 lines, more than 60"]


def test_short_ones_are_counted(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "short.py").write_text("def f():\n    pass\n")
    assert measure(tmp_path) == ({"file": [2], "function": [2]}, [])
