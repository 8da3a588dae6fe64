"""Histories are encoded many at a time and scored as whole parts; what a model refuses has no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import WardroundError
from schemas.outputs import OutputField
from schemas.status import Fault, Status
from workers.ehr.events.scoring import whole_parts
from workers.pipeline import holding
from workers.pipeline.holding import HeldScoring
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows


@dataclass(frozen=True)
class Part:
    """Numbers of some records."""

    numbers: Sequence[int]
    refused: Mapping[int, Fault] = field(default_factory=dict)
    nbytes: int = 10

    def __len__(self) -> int:
        return len(self.numbers)


class Concatenated:
    """Gives numbers back, and remembers how many parts it got at a time."""

    outputs = (OutputField(name="number", type="int64", meaning="the number"),)

    def __init__(self) -> None:
        self.calls: list[int] = []

    def score(self, values: Sequence[Part]) -> Mapping[str, Any]:
        self.calls.append(len(values))
        return {"number": [number for part in values for number in part.numbers]}


BAD = Status.NO_EVENTS
PARTS = [
    [Prepared(0, status=BAD, detail="none"), Prepared(1, [Part([11, 12])]), Prepared(2)],
    [Prepared(3, status=BAD, detail="none")],
    [Prepared(4, [Part([14, 15, 16], {1: Fault(BAD, "none is known")})]), Prepared(5), Prepared(6)],
]


def shard(count: int) -> ShardRows:
    return ShardRows(pa.table({"record_id": [str(n) for n in range(count)]}), {}, [None] * count, [None] * count)


def scored() -> tuple[Concatenated, ShardRows, list[int | None]]:
    model, rows = Concatenated(), shard(7)
    scoring = HeldScoring({"m": model}, "cpu", whole_parts)
    scoring.start(rows)
    for part in PARTS:
        scoring.score(rows, part)
    scoring.finish(rows)
    return model, rows, rows.models["m"].finish()["number"].to_pylist()


def test_every_good_record_has_its_value_and_a_refused_one_the_reason_of_the_model() -> None:
    model, rows, numbers = scored()
    assert model.calls == [2]
    assert numbers == [None, 11, 12, None, 14, None, 16]
    assert rows.models["m"].details == ["none", None, None, "none", None, "none is known", None]
    assert rows.statuses == [BAD, None, None, BAD, None, None, None]


def test_runs_are_cut_between_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scored()[2]
    monkeypatch.setattr(holding, "HELD_BYTES", 15)
    model, _, numbers = scored()
    assert (model.calls, numbers) == ([1, 1], whole)


def test_a_part_that_was_not_encoded_whole_is_told_as_a_bug() -> None:
    scoring, rows = HeldScoring({"m": Concatenated()}, "cpu", whole_parts), shard(2)
    scoring.start(rows)
    with pytest.raises(WardroundError, match="1 of 2 records of a part"):
        scoring.score(rows, [Prepared(0, [Part([1])]), Prepared(1)])
