"""A few seeds of the chaos campaign; `make chaos` runs two hundred."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from cluster.embedded_s3 import EmbeddedS3
from tests.chaos.__main__ import JOBS, campaign
from tests.chaos.blows import POOLS, VICTIMS, Pool, moments_of, plan_of
from tests.chaos.table import as_table

FEW: tuple[int, Mapping[str, int], Mapping[Pool, int]] = (2, {"images": 1}, {"serial": 1})
MORE: tuple[int, Mapping[str, int], Mapping[Pool, int]] = (16, JOBS, POOLS)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("seeds", "jobs", "pools"),
    [FEW, pytest.param(*MORE, marks=[pytest.mark.long, pytest.mark.ray])],
    ids=["few", "more"],
)
def test_signals_to_any_process_at_any_time_change_nothing(
    seeds: int,
    jobs: Mapping[str, int],
    pools: Mapping[Pool, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with EmbeddedS3(tmp_path / "s3", "chaos") as server:
        for name, value in {**server.environment, "AWS_ENDPOINT_URL": server.endpoint_url}.items():
            monkeypatch.setenv(name, value)
        plans = [plan_of(seed, jobs, pools) for seed in range(1000, 1000 + seeds)]
        done = campaign(tmp_path / "runs", server, plans, 2)
    assert len(done) == seeds
    assert all(seed.tries for seed in done), "a seed that no signal met does not count"
    assert as_table(done).count("\n| ") >= 2


def test_a_plan_depends_on_its_seed_alone_and_every_victim_has_its_seeds() -> None:
    plans = [plan_of(seed, JOBS) for seed in range(400)]
    assert plans == [plan_of(seed, JOBS) for seed in range(400)]
    met = {(blow.victim, blow.number) for plan in plans for blow in plan.blows}
    assert met == {
        (victim, number) for victim in VICTIMS for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)
    }


def test_the_moment_of_a_run_follows_from_the_points_that_it_passed() -> None:
    passed = ["started", "plan.before_put", "commit.after_put", "run.after_put", "commit.before_encode"]
    passed += ["commit.after_put", "manifest.before_put", "commit.after_put", "started", "commit.before_encode"]
    assert moments_of(passed) == [
        *("before plan", "planning", "scoring", "committing", "scoring", "manifest", "before plan", "committing"),
    ]
