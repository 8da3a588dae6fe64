from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from cluster.storage.errors import TransientError
from cluster.storage.retry import Backoff, again
from schemas.errors import InfrastructureError


def failing(times: int, error: Exception) -> tuple[Callable[[], str], list[int]]:
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return call, calls


def test_pauses_double_from_half_to_all_of_the_first_up_to_the_longest() -> None:
    bounds = [(0.0, 0.0), (0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (2.5, 5.0), (2.5, 5.0)]
    for _ in range(50):
        pauses = list(Backoff(attempts=6, first=1.0, longest=5.0).pauses())
        assert len(pauses) == 6
        assert all(least <= pause <= most for pause, (least, most) in zip(pauses, bounds, strict=True))


def test_two_processes_do_not_come_back_at_the_same_time() -> None:
    seen = [tuple(Backoff(first=1.0).pauses()) for _ in range(20)]
    assert all(one != other for one, other in pairwise(seen))


def test_a_call_is_tried_until_it_succeeds_and_no_longer() -> None:
    call, calls = failing(2, TransientError("busy"))
    assert again(call, Backoff(attempts=5, first=0.0)) == "done"
    assert len(calls) == 3


def test_the_last_failure_is_raised_with_the_number_of_tries() -> None:
    call, calls = failing(9, TransientError("busy"))
    with pytest.raises(TransientError, match=r"^busy \(tried 3 times\)$") as caught:
        again(call, Backoff(attempts=3, first=0.0))
    assert len(calls) == 3
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("error", [InfrastructureError("disk full"), KeyError("x")])
def test_what_is_not_transient_is_not_tried_again(error: Exception) -> None:
    call, calls = failing(9, error)
    with pytest.raises(type(error)):
        again(call, Backoff(attempts=3, first=0.0))
    assert len(calls) == 1
