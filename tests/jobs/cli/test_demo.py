"""`make demo`, as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Wardround, finish, start


@pytest.mark.ray
def test_the_demo_ends_with_a_table_and_lines_that_work(tmp_path: Path, wardround: Wardround) -> None:
    folder = tmp_path / "demo-output"
    folder.mkdir()
    (folder / "demo.yaml").write_text("of an earlier demo")
    (folder / "stale.txt").write_text("of an earlier demo")
    said = finish(start("demo", "--output", folder, "--progress", "none"), 280)
    assert said.code == 0, said.err
    assert not (folder / "stale.txt").exists()
    table, _, lines = said.out.partition("Look at it:")
    assert [line.split()[:2] for line in table.splitlines()[:2]] == [["records", "176"], ["ok", table.split()[3]]]
    assert "with text in their pixels" in table
    code = "\n".join(line.strip() for line in lines.splitlines())
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "text_score" in shown.stdout
    assert wardround("verify", folder / "run").code == 0


def test_the_demo_does_not_delete_what_is_not_its_own(wardround: Wardround, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years of work")
    said = wardround("demo", "--output", tmp_path)
    assert said.code == 2
    assert (tmp_path / "thesis.tex").exists()
