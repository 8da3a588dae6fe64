"""Folders and files of the user's with the names of our packages, and of others, harm no run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.support import user_folders
from tests.support.ray_cluster import TokenCluster
from tests.support.small_run import write_spec


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """The working directory."""
    return user_folders.make(tmp_path / "crowded")


@pytest.fixture
def command(tmp_path: Path) -> str:
    return str(user_folders.command(tmp_path))


@pytest.fixture(scope="module")
def cluster() -> Iterator[TokenCluster]:
    started = TokenCluster()
    try:
        started.wait()
        yield started
    finally:
        started.stop()


def statuses(output: Path) -> dict[str, str]:
    rows = pl.read_parquet(output / "predictions" / "*.parquet", columns=["record_id", "status"])
    return dict(rows.with_columns(pl.col("status").cast(pl.String)).iter_rows())


def run(command: str, spec: Path, crowded: Path, **environment: str) -> None:
    done = user_folders.ended([command, "run", str(spec), "--progress", "none"], crowded, **environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("decode", ["threads", "processes"])
def test_the_serial_pool_and_decoding_children_run_among_them(
    tmp_path: Path, crowded: Path, command: str, decode: str
) -> None:
    compute = f"pool: serial, shard_records: 4, decode: {decode}"
    run(command, write_spec(tmp_path, str(tmp_path / "out"), compute), crowded)
    assert sum(status == "ok" for status in statuses(tmp_path / "out").values()) == 12


@pytest.mark.ray
@pytest.mark.long
def test_ray_decoding_children_and_isolated_children_run_among_them(
    tmp_path: Path, crowded: Path, command: str
) -> None:
    compute = "pool: ray, workers: 1, shard_records: 7, decode: processes"
    spec = write_spec(tmp_path, str(tmp_path / "out"), compute, "limits: {max_rejects: 1}\n")
    run(command, spec, crowded, WARDROUND_CRASH_AT="forward.record:1:05.png")
    found = statuses(tmp_path / "out")
    assert found["05.png"] == "crashed_worker"
    assert sum(status == "ok" for status in found.values()) == 11


def test_packages_on_pythonpath_do_not_take_the_place_of_ours(tmp_path: Path, command: str) -> None:
    shelf = user_folders.make(tmp_path / "shelf", standard=False)
    spec = write_spec(tmp_path, str(tmp_path / "out"), "pool: serial, shard_records: 4, decode: processes")
    path = f"{shelf}{os.pathsep}{user_folders.ROOT}"
    done = user_folders.ended([command, "run", str(spec), "--progress", "none"], tmp_path, path)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.ray
def test_packages_on_pythonpath_do_not_take_the_place_of_ours_in_ray(tmp_path: Path, command: str) -> None:
    shelf = user_folders.make(tmp_path / "shelf", standard=False)
    spec = write_spec(tmp_path, str(tmp_path / "out"), "pool: ray, shard_records: 4")
    path = f"{shelf}{os.pathsep}{user_folders.ROOT}"
    done = user_folders.ended([command, "run", str(spec), "--progress", "none"], tmp_path, path)
    assert done.returncode == 0, done.stderr


def test_python_dash_m_finds_ours_from_a_folder_that_holds_some_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    for name in ("workers", "schemas", "cluster", "dl"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise RuntimeError\n")
    spec = write_spec(tmp_path, str(tmp_path / "out"))
    for module in ("jobs", "wardround"):
        done = user_folders.ended(["-m", module, "run", str(spec), "--progress", "none"], folder)
        assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.ray
def test_a_standing_cluster_and_a_submitted_job_run_among_them(
    cluster: TokenCluster, tmp_path: Path, crowded: Path, command: str
) -> None:
    environment = {key: value for key, value in cluster.environment().items() if key.startswith(("RAY_", "PATH"))}
    spec = write_spec(tmp_path, str(tmp_path / "joined"), f"pool: ray, shard_records: 4, address: '{cluster.address}'")
    run(command, spec, crowded, **environment)
    spec = write_spec(tmp_path, str(tmp_path / "sent"), "pool: ray, shard_records: 4")
    words = [command, "submit", str(spec), "--address", cluster.dashboard]
    done = user_folders.ended(words, crowded, **environment)
    assert done.returncode == 0, done.stderr
    assert statuses(tmp_path / "sent") == statuses(tmp_path / "joined")
