"""A name that stands in a record is in no message and in no record of a run: neither ours nor a native library's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from jobs.cli.main import main
from tests.support.canaries import KINDS, NAME, leaks, profiled, said
from tests.support.made_package import make_package
from tests.support.meds_runs import with_history_format
from tests.support.ray_cluster import TokenCluster
from tests.support.small_run import finish, start
from workers import registry


@pytest.fixture(autouse=True)
def _formats(monkeypatch: pytest.MonkeyPatch) -> None:
    with_history_format(monkeypatch)
    monkeypatch.setitem(registry.FORMATS, "notes", {"counting": "tests.support.counting_notes"})


def write(folder: Path, kind: str, compute: str) -> Path:
    spec = folder / "spec.yaml"
    made = KINDS[kind](folder)
    spec.write_text(f"name: canary\n{made}output: {{uri: {folder / 'out'}}}\ncompute: {{{compute}}}\n")
    return spec


def test_libpng_tells_the_name_of_a_profile_where_nobody_takes_its_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    body = profiled(cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes())
    cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert NAME in capfd.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_no_command_and_no_record_of_a_run_tells_a_name(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = write(tmp_path, kind, "pool: serial")
    capfd.readouterr()
    assert main(["run", str(spec), "--progress", "plain"]) == 0, capfd.readouterr().err
    for words in (["run"], ["status"], ["verify"], ["report"], ["doctor"]):
        main([*words, str(spec)])
    assert said("".join(capfd.readouterr())) == []
    assert list(leaks(tmp_path / "out")) == []


@pytest.mark.parametrize("kind", ["images", "series"])
def test_no_warning_of_a_library_tells_a_name(kind: str, tmp_path: Path) -> None:
    spec = write(tmp_path, kind, "pool: serial, decode: threads")
    code, told = finish(start(spec, {"PYTHONWARNINGS": "always"}))
    assert code == 0, told
    assert said(told) == []


RUN = """
import sys
from jobs.cli.main import main
sys.exit(max(main(["run", spec, "--progress", "plain"]) for spec in sys.argv[1:]))
"""
FORMATS = (
    "[wardround.formats]\n"
    "events.history = tests.support.history_format:FORMAT\nnotes.counting = tests.support.counting_notes:FORMAT\n"
)


@pytest.mark.long
@pytest.mark.ray
def test_no_log_of_a_cluster_tells_a_name(tmp_path: Path) -> None:
    cluster = TokenCluster(path=make_package(tmp_path / "formats", "formats_of_tests", FORMATS))
    try:
        cluster.wait()
        specs = []
        for kind in KINDS:
            (tmp_path / kind).mkdir()
            specs.append(write(tmp_path / kind, kind, f"pool: ray, address: '{cluster.address}'"))
        done = subprocess.run(
            [sys.executable, "-c", RUN, *specs],
            env=cluster.environment(),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert said(done.stdout + done.stderr) == []
        assert list(leaks(cluster.directory)) == []
        assert os.listdir(cluster.directory)
    finally:
        cluster.stop()
