"""Halving finds the records that kill, with real processes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RecordError, WardroundError
from schemas.status import Status
from workers.pipeline.halving import ChildDied, Killed, bisect, score_in_halves

SCORE = """
import json, os, signal, sys
indices = json.loads(sys.argv[1])
for index in indices:
    if index in json.loads(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGSEGV)
print(json.dumps([index * index for index in indices]))
"""


def in_process(killers: list[int], starts: list[list[int]]) -> Callable[[list[int]], dict[int, int]]:
    def run(indices: list[int]) -> dict[int, int]:
        starts.append(indices)
        arguments = [json.dumps(indices), json.dumps(killers)]
        done = subprocess.run([sys.executable, "-c", SCORE, *arguments], stdout=subprocess.PIPE, check=False)
        if done.returncode < 0:
            raise ChildDied(f"signal {-done.returncode}")
        return dict(zip(indices, json.loads(done.stdout), strict=True))

    return run


def test_the_killer_is_found_after_two_deaths_alone_and_the_others_are_scored() -> None:
    starts: list[list[int]] = []
    found = bisect(list(range(40, 72)), in_process([57], starts))
    assert list(found) == list(range(40, 72))
    assert found.pop(57) == Killed("signal 11")
    assert found == {index: index * index for index in found}
    assert starts.count([57]) == 2
    assert len(starts) <= 2 * math.log2(32) + 2


def test_no_death_is_one_process() -> None:
    starts: list[list[int]] = []
    assert bisect([3, 1], in_process([], starts)) == {3: 9, 1: 1}
    assert starts == [[3, 1]]


def test_a_record_that_kills_once_alone_is_scored(tmp_path: Path) -> None:
    def run(indices: list[int]) -> dict[int, str]:
        mark = tmp_path / "killed"
        if 1 in indices and (len(indices) > 1 or not mark.exists()):
            if len(indices) == 1:
                mark.touch()
            raise ChildDied("signal 9")
        return dict.fromkeys(indices, "ok")

    assert bisect([0, 1, 2], run) == {0: "ok", 1: "ok", 2: "ok"}


@given(st.integers(0, 20), st.sets(st.integers(0, 19)), st.integers(1, 3))
def test_exactly_the_killers_are_killed(count: int, killers: set[int], alone_kills: int) -> None:
    deaths: list[list[int]] = []

    def run(indices: list[int]) -> dict[int, int]:
        if killers & set(indices):
            deaths.append(indices)
            raise ChildDied("signal 6")
        return {index: index for index in indices}

    found = bisect(range(count), run, alone_kills)
    assert list(found) == list(range(count))
    assert {index for index, value in found.items() if isinstance(value, Killed)} == killers & set(range(count))
    for killer in killers & set(range(count)):
        assert deaths.count([killer]) == alone_kills


def test_an_answer_for_other_records_is_refused() -> None:
    with pytest.raises(WardroundError, match="other records"):
        bisect([1, 2], lambda indices: {1: "a"})


def squares(seen: list[list[int]]) -> Callable[[Sequence[int]], list[int]]:
    def score(items: Sequence[int]) -> list[int]:
        seen.append(list(items))
        if any(item < 0 for item in items):
            raise RecordError(Status.OUT_OF_CONTRACT, f"{min(items)} is negative")
        return [item * item for item in items]

    return score


@given(st.lists(st.integers(-3, 30), min_size=1, max_size=40))
def test_whoever_is_refused_alone_is_refused_and_everybody_else_is_scored_once_in_order(items: list[int]) -> None:
    refused: list[tuple[int, str]] = []
    done = score_in_halves(items, squares([]), lambda item, error: refused.append((item, error.detail)))
    assert [item for part, _ in done for item in part] == [item for item in items if item >= 0]
    assert [value for _, values in done for value in values] == [item * item for item in items if item >= 0]
    assert refused == [(item, f"{item} is negative") for item in items if item < 0]


def test_items_that_nobody_refuses_are_scored_together() -> None:
    seen: list[list[int]] = []
    score_in_halves([1, 2, 3], squares(seen), lambda item, error: None)
    assert seen == [[1, 2, 3]]
