from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jobs.signals import InterruptedRunError, StopRequests
from schemas.errors import IncompleteError, InfrastructureError

NUMBER = signal.SIGUSR1


@contextmanager
def open_nothing(spec: Any, job: Any) -> Iterator[Any]:
    yield None


def opened(stops: StopRequests) -> Any:
    """An open pool, for as long as it is entered."""
    nothing: Any = None
    return stops.graceful(open_nothing)(nothing, {})


def test_the_first_signal_drains_an_open_pool_and_the_second_ends_it(capfd: pytest.CaptureFixture[str]) -> None:
    stops = StopRequests(NUMBER)
    with stops.installed(), opened(stops):
        said = [stops.should_stop()]
        for _ in range(2):
            signal.raise_signal(NUMBER)
            said.append(stops.should_stop())
        assert said == ["no", "drain", "abort"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(NUMBER)
    assert "press Ctrl-C again" in capfd.readouterr().err


def test_without_an_open_pool_the_first_signal_interrupts() -> None:
    stops = StopRequests(NUMBER)
    with stops.installed():
        with opened(stops):
            pass
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(NUMBER)


def test_handlers_are_afterwards_what_they_were_and_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(NUMBER, signal.SIG_IGN)
    try:
        with StopRequests(NUMBER).installed() as stops:
            signal.raise_signal(NUMBER)
            assert stops.count == 0
        assert signal.getsignal(NUMBER) == signal.SIG_IGN
    finally:
        signal.signal(NUMBER, before)


def test_a_run_that_a_signal_left_incomplete_was_interrupted() -> None:
    stops = StopRequests(NUMBER)
    stops.count = 1
    with pytest.raises(InterruptedRunError) as caught, stops.installed(), opened(stops):
        raise IncompleteError("3 shards are left")
    assert caught.value.exit_code == 130


@pytest.mark.parametrize(("count", "error"), [(0, IncompleteError("left")), (1, InfrastructureError("disk full"))])
def test_what_was_not_the_signal_s_doing_stays_what_it_is(count: int, error: Exception) -> None:
    stops = StopRequests(NUMBER)
    stops.count = count
    with pytest.raises(type(error)) as caught, stops.installed():
        raise error
    assert caught.value is error


def test_outside_of_the_main_thread_nothing_is_installed() -> None:
    before = signal.getsignal(NUMBER)
    seen: list[Any] = []

    def work() -> None:
        with StopRequests(NUMBER).installed():
            seen.append(signal.getsignal(NUMBER))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
