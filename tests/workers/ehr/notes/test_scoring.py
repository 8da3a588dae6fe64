"""What was encoded of a shard goes to each scorer once; a note that a model refuses takes no other with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import InfrastructureError, RecordError, WardroundError
from schemas.outputs import OutputField
from schemas.status import Fault, Status
from workers.contract import Encoded
from workers.ehr.notes import scoring
from workers.ehr.notes.scoring import NoteScoring
from workers.engine.reading import Prepared
from workers.engine.rowtable import ShardRows


class Doubler:
    """Twice the number; refuses 13, runs out of memory at 99."""

    outputs = (OutputField(name="twice", type="int64", meaning="twice the number"),)

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def score(self, values: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        self.calls.append(list(values))
        if 99 in values:
            raise MemoryError
        if 13 in values:
            raise RecordError(Status.OUT_OF_CONTRACT, "unlucky")
        return {"twice": [2 * value for value in values]}


def shard(count: int) -> ShardRows:
    return ShardRows(pa.table({"record_id": [str(n) for n in range(count)]}), {}, [None] * count, [None] * count)


def prepared(row: int, value: int, nbytes: int = 1) -> Prepared:
    return Prepared(row, [Encoded(value, nbytes)])


def scored(values: Sequence[int], nbytes: int = 1) -> tuple[Doubler, ShardRows, dict[str, pa.Array]]:
    doubler = Doubler()
    job = NoteScoring({"m": doubler}, "cpu")
    rows = shard(len(values))
    job.start(rows)
    for row, value in enumerate(values):
        job.score(rows, [prepared(row, value, nbytes)])
    job.finish(rows)
    return doubler, rows, rows.models["m"].finish()


def test_a_whole_shard_is_scored_in_one_call() -> None:
    doubler, _, columns = scored(range(10))
    assert doubler.calls == [list(range(10))]
    assert columns["twice"].to_pylist() == [2 * value for value in range(10)]


def test_a_note_that_the_model_refuses_is_found_by_halves() -> None:
    _, rows, columns = scored([1, 2, 13, 4, 13])
    assert columns["twice"].to_pylist() == [2, 4, None, 8, None]
    assert rows.models["m"].details == [None, None, "unlucky", None, "unlucky"]


def test_very_large_notes_are_scored_in_runs_that_their_own_sizes_cut() -> None:
    doubler, _, columns = scored([1, 2, 3], nbytes=scoring.HELD_BYTES // 2)
    assert doubler.calls == [[1, 2], [3]]
    assert columns["twice"].to_pylist() == [2, 4, 6]


def test_a_device_without_memory_is_no_fault_of_a_record() -> None:
    with pytest.raises(InfrastructureError, match="memory"):
        scored([1, 99])


def test_a_shard_that_is_not_complete_is_not_scored() -> None:
    job = NoteScoring({"m": Doubler()}, "cpu")
    rows = shard(2)
    job.start(rows)
    job.score(rows, [prepared(0, 1)])
    with pytest.raises(WardroundError, match="1 of the 2 records"):
        job.finish(rows)


def test_a_shard_of_nothing_but_rejected_notes_calls_no_scorer() -> None:
    doubler = Doubler()
    job = NoteScoring({"m": doubler}, "cpu")
    rows = shard(2)
    job.start(rows)
    empty = Prepared(1, [Encoded(None, fault=Fault(Status.EMPTY, "nothing left"))])
    job.score(rows, [Prepared(0, status=Status.UNREADABLE, detail="broken"), empty])
    job.finish(rows)
    assert doubler.calls == []
    assert rows.models["m"].statuses == [Status.UNREADABLE, Status.EMPTY]
