from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from schemas.errors import RecordError
from schemas.status import Status
from workers.pipeline.behind import Behind, DroppedError

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def behind() -> Iterator[Behind]:
    made = Behind(2, 100)
    yield made
    made.close()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_pieces_of_a_lane_are_done_in_order_and_two_lanes_at_the_same_time(behind: Behind) -> None:
    done: list[int] = []
    first, second, meeting = behind.lane(), behind.lane(), threading.Barrier(2, timeout=10)
    first.put(lambda: meeting.wait() and None)
    second.put(lambda: meeting.wait() and None)
    for number in range(50):
        first.put(partial(done.append, number))
    assert first.last(done.copy).result(10) == list(range(50))


def test_an_error_belongs_to_its_lane_and_ends_it(behind: Behind) -> None:
    done: list[str] = []

    def refuse() -> None:
        raise RecordError(Status.TOO_LARGE, "no room")

    bad, good = behind.lane(), behind.lane()
    bad.put(refuse)
    _until(lambda: bad._error is not None)
    with pytest.raises(RecordError, match="no room"):
        bad.put(lambda: done.append("never"))
    with pytest.raises(RecordError, match="no room"):
        bad.last(lambda: done.append("never")).result(10)
    assert good.last(lambda: "well").result(10) == "well"
    assert not done


def test_whoever_brings_more_than_there_is_room_for_waits(behind: Behind) -> None:
    lane, hold, brought = behind.lane(), threading.Event(), threading.Event()
    lane.put(lambda: hold.wait(10) and None, 150)

    def bring() -> None:
        lane.put(lambda: None, 10)
        brought.set()

    threading.Thread(target=bring, daemon=True).start()
    assert not brought.wait(0.2)
    hold.set()
    assert brought.wait(10)


def test_a_lane_that_nobody_waits_for_any_more_does_nothing_more(behind: Behind) -> None:
    lane, hold, done = behind.lane(), threading.Event(), list[int]()
    lane.put(lambda: hold.wait(10) and None)
    end = lane.last(lambda: done.append(1))
    lane.drop()
    hold.set()
    with pytest.raises(DroppedError):
        end.result(10)
    assert not done


def test_who_waits_for_a_lane_is_told_when_all_is_closed() -> None:
    behind, hold = Behind(1, 100), threading.Event()
    behind.lane().put(lambda: hold.wait(10) and None)
    end = behind.lane().last(lambda: 1)
    behind.close()
    hold.set()
    with pytest.raises(DroppedError):
        end.result(10)
