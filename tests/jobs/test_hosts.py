"""A cluster on another machine, as its nodes say by their name, and a spec with paths."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import runs
from tests.support.doors import is_root
from tests.support.ray_cluster import TokenCluster
from tests.support.small_run import write_spec

pytestmark = [
    pytest.mark.long,
    pytest.mark.ray,
    pytest.mark.skipif(not is_root(), reason="only root can give a cluster another machine's name"),
]


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[TokenCluster]:
    cluster = TokenCluster(hostname="elsewhere")
    try:
        cluster.wait()
        yield cluster
    finally:
        cluster.stop()


def run(cluster: TokenCluster, folder: Path, more: str) -> subprocess.CompletedProcess[str]:
    compute = f"pool: ray, address: '{cluster.address}', shard_records: 4{more}"
    return subprocess.run(
        [sys.executable, "-m", "jobs", "run", write_spec(folder, str(folder / "out"), compute), "--progress", "none"],
        env=cluster.environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_paths_are_refused_where_nobody_says_that_its_nodes_share_them(elsewhere: TokenCluster, tmp_path: Path) -> None:
    done = run(elsewhere, tmp_path, "")
    assert done.returncode == 2, done.stderr
    assert "compute.shared_paths: true" in done.stderr
    assert not (tmp_path / "out").exists()


def test_with_shared_paths_the_rows_are_those_of_this_process(elsewhere: TokenCluster, tmp_path: Path) -> None:
    done = run(elsewhere, tmp_path, ", shared_paths: true")
    assert done.returncode == 0, done.stderr
    runs.run(write_spec(tmp_path, str(tmp_path / "here")).read_text())
    assert runs.rows(tmp_path / "out").equals(runs.rows(tmp_path / "here"))
