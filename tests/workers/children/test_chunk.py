"""The rules of blame, without processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InfrastructureError
from schemas.status import Status
from workers.children.chunk import Answer, decode_chunk, in_turn
from workers.children.contract import Request, Result


def chunk_of(count: int) -> list[Request]:
    return [Request(b"", {"index": index}) for index in range(count)]


def killed_by(fates: dict[int, str]) -> Callable[[Sequence[Request]], Answer[Result]]:
    def ask(requests: Sequence[Request]) -> Answer[Result]:
        done: list[Result] = []
        for request in requests:
            fate = fates.get(request.context["index"])
            if fate is not None:
                return Answer(done, fate, "signal 11")
            done.append(Result(meta=request.context))
        return Answer(done)

    return ask


@given(st.integers(0, 12), st.dictionaries(st.integers(0, 11), st.sampled_from(["died", "timed_out", "out_of_memory"])))
def test_every_record_has_its_own_result_whichever_of_them_kill(count: int, fates: dict[int, str]) -> None:
    wanted = {"died": Status.CRASHED_WORKER, "timed_out": Status.TIMED_OUT, "out_of_memory": Status.TOO_LARGE}
    results = decode_chunk(chunk_of(count), killed_by(fates))
    assert len(results) == count
    for index, result in enumerate(results):
        assert result.status == (wanted[fates[index]] if index in fates else None)
        assert index in fates or result.meta == {"index": index}


def test_what_was_finished_before_a_death_is_not_decoded_again() -> None:
    asked: list[list[int]] = []
    inner = killed_by({2: "died"})

    def ask(requests: Sequence[Request]) -> Answer[Result]:
        asked.append([request.context["index"] for request in requests])
        return inner(requests)

    decode_chunk(chunk_of(5), ask)
    assert asked == [[0, 1, 2, 3, 4], [2], [3, 4]]


def test_processes_that_die_without_a_record_at_hand_condemn_no_record() -> None:
    with pytest.raises(InfrastructureError, match="3 times in a row"):
        decode_chunk(chunk_of(2), lambda requests: Answer([], "lost", "signal 9"))


def test_losses_are_forgiven_as_long_as_records_get_done() -> None:
    def ask(requests: Sequence[Request]) -> Answer[Result]:
        return Answer([Result(meta=requests[0].context)], "lost" if len(requests) > 1 else "complete")

    assert [result.meta["index"] for result in decode_chunk(chunk_of(9), ask)] == list(range(9))


@given(st.integers(0, 40), st.sets(st.integers(0, 39), max_size=5), st.integers(2, 8))
def test_of_records_that_are_at_hand_together_each_is_judged_alone(count: int, killers: set[int], step: int) -> None:
    asked: list[Sequence[int]] = []

    def ask(records: Sequence[int]) -> Answer[str]:
        asked.append(records)
        together = step if len(records) > step else 1
        for start in range(0, len(records), together):
            if killers & set(records[start : start + together]):
                return Answer([f"done {record}" for record in records[:start]], "died", at_hand=together)
        return Answer([f"done {record}" for record in records])

    found = in_turn(range(count), ask, lambda record, _: f"killed {record}")
    assert found == [f"{'killed' if record in killers else 'done'} {record}" for record in range(count)]
    assert all(sum(list(records) == [killer] for records in asked) <= 2 for killer in killers)
