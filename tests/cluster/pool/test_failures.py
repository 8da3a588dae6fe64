from __future__ import annotations

import pytest

from cluster.pool.contract import PoolSettings, WorkerLost
from cluster.pool.failures import Budget, DeathBudget, StartBudget, rebuild
from schemas.errors import FingerprintError, InfrastructureError, SpecError, UsageError, WardroundError


def test_the_pause_doubles_up_to_its_limit() -> None:
    budget = Budget(PoolSettings(backoff_s=1, max_backoff_s=5, max_infrastructure_failures=9))
    now, pauses = 0.0, []
    for _ in range(5):
        again = budget.failure("503", now)
        pauses.append(again - now)
        now = again
    assert pauses == [1, 2, 4, 5, 5]


def test_one_outage_seen_by_many_workers_counts_once() -> None:
    budget = Budget(PoolSettings(backoff_s=1, max_infrastructure_failures=1))
    assert {budget.failure("503", 0.5) for _ in range(100)} == {1.5}


def test_failures_without_progress_end_the_run_as_incomplete() -> None:
    budget = Budget(PoolSettings(backoff_s=0, max_infrastructure_failures=3))
    for now in range(3):
        budget.failure("503", now)
    with pytest.raises(InfrastructureError, match="503") as caught:
        budget.failure("503", 3)
    assert caught.value.exit_code == 4


def test_progress_makes_the_failures_forgotten() -> None:
    budget = Budget(PoolSettings(backoff_s=0, max_infrastructure_failures=1))
    for now in range(10):
        budget.failure("503", now)
        budget.progress()


def test_what_is_being_tried_again_is_known_until_something_succeeds() -> None:
    budget = Budget(PoolSettings(backoff_s=0))
    budget.failure("disk full", now=0)
    assert budget.trouble == "disk full"
    budget.progress()
    assert budget.trouble == ""


def test_deaths_of_all_workers_end_the_run() -> None:
    deaths = DeathBudget(PoolSettings(max_deaths=3))
    deaths.death("x")
    deaths.progress()
    deaths.death("x")
    deaths.death("x")
    with pytest.raises(InfrastructureError, match="3 workers in a row died"):
        deaths.death("x")


def test_an_error_of_ours_in_the_factory_is_passed_on_at_once() -> None:
    with pytest.raises(SpecError, match="no such model"):
        StartBudget(PoolSettings()).failure(WorkerLost("start", "no such model", "SpecError"))


def test_other_errors_in_the_factory_are_tried_again_a_few_times() -> None:
    starts = StartBudget(PoolSettings(max_start_failures=2))
    starts.failure(WorkerLost("start", "at x.py:3", "OSError"))
    with pytest.raises(InfrastructureError, match=r"OSError: at x\.py:3"):
        starts.failure(WorkerLost("start", "at x.py:3", "OSError"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("FingerprintError", FingerprintError), ("KeyError", WardroundError), ("MissingExtraError", UsageError)],
)
def test_a_worker_s_error_has_its_own_class_and_exit_code_here(name: str, expected: type[WardroundError]) -> None:
    error = rebuild(name, "why")
    assert type(error) is expected
    assert "why" in str(error)
