"""One seed: a run that is killed at random moments until it ends, and what is left on storage afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from cluster.storage import Store, open_store
from jobs.verification.verify import verify
from tests.chaos.standing_cluster import StandingCluster
from workers.finished_runs.documents import existing_run

_PATIENCE_S = 300
_MOST_STARTS = 12
_WORKER_LIFE_S = 3.0
"""A worker is killed within this time of the moment that one is seen."""


@dataclass(frozen=True)
class Seed:
    """What one seed came to."""

    seed: int
    starts: int
    driver_kills: int
    worker_kills: int
    seconds: float
    lost: int = 0
    duplicated: int = 0
    pending_uploads: int = 0


class ChaosError(AssertionError):
    """The result is not that of an undisturbed run."""


@dataclass(frozen=True)
class Content:
    """What a run says, however often it was interrupted: its rows in plan order, and the tables of its dataset."""

    rows: pl.DataFrame
    dataset: tuple[pl.DataFrame, ...]

    def equals(self, other: Content) -> bool:
        """Value for value."""
        mine, theirs = (self.rows, *self.dataset), (other.rows, *other.dataset)
        return len(mine) == len(theirs) and all(a.equals(b) for a, b in zip(mine, theirs, strict=True))


def run_once(spec: Path, cluster: StandingCluster) -> subprocess.Popen[bytes]:
    """The command that a person gives, in a process group of its own."""
    command = [sys.executable, "-m", "jobs", "run", str(spec), "--progress", "none"]
    log = spec.with_suffix(".log").open("ab")
    return subprocess.Popen(command, env=cluster.env, stdout=log, stderr=log, start_new_session=True)


def undisturbed(spec: Path, cluster: StandingCluster) -> float:
    """Seconds of a run that nobody disturbs."""
    began = time.monotonic()
    code = run_once(spec, cluster).wait(timeout=_PATIENCE_S)
    if code:
        raise ChaosError(f"the undisturbed run ended with {code}: {spec.with_suffix('.log').read_text()[-2000:]}")
    return time.monotonic() - began


def disturbed(seed: int, spec: Path, cluster: StandingCluster, usual_s: float) -> Seed:
    """Give the command again and again, killing it and its workers at random moments, until it ends by itself."""
    chance = random.Random(seed)
    began = time.monotonic()
    kills = [chance.random() < 0.6 for _ in range(chance.randint(1, 4))]
    driver_kills = worker_kills = starts = 0
    driver = run_once(spec, cluster)
    starts += 1
    for kill_driver in kills:
        if not kill_driver:
            _wait(driver, _PATIENCE_S, cluster.worker_pids)
        _wait(driver, chance.uniform(0.05, usual_s if kill_driver else _WORKER_LIFE_S))
        if driver.poll() is not None:
            break
        if kill_driver:
            os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()
            driver_kills += 1
            driver = run_once(spec, cluster)
            starts += 1
        else:
            worker_kills += _kill_a_worker(chance, cluster)
    while (code := driver.wait(timeout=_PATIENCE_S)) != 0:
        if code != 4 or starts >= _MOST_STARTS:
            raise ChaosError(f"seed {seed}: ended with {code}: {spec.with_suffix('.log').read_text()[-3000:]}")
        driver = run_once(spec, cluster)
        starts += 1
    return Seed(seed, starts, driver_kills, worker_kills, time.monotonic() - began)


def _wait(driver: subprocess.Popen[bytes], seconds: float, until: Callable[[], object] = lambda: None) -> None:
    """Wait until `until` says something, the driver ends by itself, or the time is over."""
    end = time.monotonic() + seconds
    while driver.poll() is None and time.monotonic() < end and not until():
        time.sleep(0.02)


def _kill_a_worker(chance: random.Random, cluster: StandingCluster) -> int:
    pids = cluster.worker_pids()
    if not pids:
        return 0
    try:
        os.kill(chance.choice(pids), signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def content(store: Store) -> Content:
    """All that a finished run says."""
    return Content(logical_content(store), tuple(_table(store, prefix) for prefix in _DATASET if _any(store, prefix)))


_DATASET = (
    *("meds/data/", "meds/metadata/", "subjects/"),
    *("table/genotypes/", "table/variants.parquet", "table/samples.parquet", "table/parts.parquet"),
)
"""Where a conversion writes more than rows."""


def _any(store: Store, prefix: str) -> bool:
    return next(iter(store.list(prefix)), None) is not None


def logical_content(store: Store) -> pl.DataFrame:
    """Every row of the run in plan order, from the shard objects themselves."""
    return _table(store, f"{existing_run(store).rows_dir}/").with_columns(pl.col("status").cast(pl.String))


def _table(store: Store, prefix: str) -> pl.DataFrame:
    """All rows of the Parquet objects under a prefix, in the order of their keys."""
    keys = sorted(info.key for info in store.list(prefix) if info.key.endswith(".parquet"))
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for key in keys:
            path = Path(folder) / "shard.parquet"
            store.download(key, path)
            parts.append(pl.DataFrame(pl.from_arrow(pq.read_table(path))))
    return pl.concat([part.with_columns(pl.col(pl.Categorical).cast(pl.String)) for part in parts])


def compare(done: Seed, clean: Content, store: Store) -> Seed:
    """Hold what a seed left against the undisturbed run. Raises ChaosError where they are not the same."""
    verify(store)
    found = content(store)
    counted = replace(
        done,
        lost=len(set(clean.rows["record_id"]) - set(found.rows["record_id"])),
        duplicated=found.rows.height - found.rows["record_id"].n_unique(),
        pending_uploads=len(list(store.pending_uploads())),
    )
    if counted.lost or counted.duplicated or counted.pending_uploads or not found.equals(clean):
        raise ChaosError(f"{counted}; equal to the undisturbed run: {found.equals(clean)}")
    return counted


def as_json(seeds: list[Seed], seconds: float) -> str:
    """One line that sums it up."""
    return json.dumps(
        {
            "seeds": len(seeds),
            "starts": sum(seed.starts for seed in seeds),
            "driver_kills": sum(seed.driver_kills for seed in seeds),
            "worker_kills": sum(seed.worker_kills for seed in seeds),
            "lost": sum(seed.lost for seed in seeds),
            "duplicated": sum(seed.duplicated for seed in seeds),
            "pending_uploads": sum(seed.pending_uploads for seed in seeds),
            "seconds": round(seconds, 1),
        }
    )


def open_output(uri: str, endpoint: str) -> Store:
    """The run directory of a seed."""
    from cluster.storage import StorageSettings

    return open_store(uri, StorageSettings(endpoint_url=endpoint))
