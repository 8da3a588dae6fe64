"""What each event adds to a score, as rows of the column that the score's name leads to."""

from typing import Any

import numpy as np
import pytest

from workers.ehr.events.contract import STATIC
from workers.ehr.events.formats.batches import Shard
from workers.ehr.events.formats.columns import contributions_name
from workers.ehr.events.formats.encoder import EncodedEvents, Origin
from workers.ehr.events.formats.explanations import contributions

ALL = {"codes": True, "top": None}


@pytest.mark.parametrize(
    ("score", "name"),
    [("score_death", "contributions_death"), ("score_my_score_x", "contributions_my_score_x")],
)
def test_a_score_is_explained_by_the_column_of_its_label(score: str, name: str) -> None:
    assert contributions_name(score) == name


def part(lengths: list[int], places: list[int], times: list[int], codes: list[int], names: list[str]) -> EncodedEvents:
    origin = Origin(np.array(places, np.int32), np.array(times), np.array(codes, np.int32), names)
    zeros = np.zeros(len(lengths), np.float32)
    return EncodedEvents(np.array(lengths), origin.code, {}, None, zeros, zeros > 0, {}, origin)


@pytest.fixture
def shard() -> Shard:
    """Records of 2, 1 and 1 events; each part has names of its own for its codes."""
    first = part([2, 1], [0, 5, 3], [STATIC, 70, 80], [1, 0, 1], ["A", "B"])
    return Shard([first, part([1], [9], [90], [0], ["C"])])


def told(shard: Shard, records: list[int], shares: list[list[float]], **settings: Any) -> list[Any]:
    return contributions(shard, np.array(records), np.array(shares, np.float32), {**ALL, **settings})


def test_events_are_told_by_record_and_label_with_place_time_and_code(shard: Shard) -> None:
    # Records as a batch has them: the last one first. Shares of two labels.
    third, first = told(shard, [2, 0], [[0.5, 1.0], [0.25, -2.0], [-3.0, 4.0]])
    assert third == [
        [{"event": 9, "time": 90, "contribution": 0.5, "code": "C"}],
        [{"event": 9, "time": 90, "contribution": 1.0, "code": "C"}],
    ]
    assert first[0] == [
        {"event": 0, "time": None, "contribution": 0.25, "code": "B"},
        {"event": 5, "time": 70, "contribution": -3.0, "code": "A"},
    ]
    assert [row["contribution"] for row in first[1]] == [-2.0, 4.0]


def test_of_the_largest_the_sign_does_not_matter_and_they_come_first(shard: Shard) -> None:
    (record,) = told(shard, [0], [[0.25, 1.0], [-3.0, 1.0]], top=1)
    assert [row["event"] for row in record[0]] == [5]
    # Of equal ones the earlier.
    assert [row["event"] for row in record[1]] == [0]
    (record,) = told(shard, [0], [[0.25, 1.0], [-3.0, 2.0]], top=9)
    assert [row["event"] for row in record[0]] == [5, 0]


def test_codes_are_left_out_where_the_model_does_not_want_them(shard: Shard) -> None:
    (record,) = told(shard, [1], [[1.0]], codes=False)
    assert record == [[{"event": 3, "time": 80, "contribution": 1.0}]]
