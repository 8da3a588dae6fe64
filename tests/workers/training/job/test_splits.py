from __future__ import annotations

import collections

import pytest
from pydantic import ValidationError

from workers.training.job.settings import Shares, Splits
from workers.training.job.splits import parts_by_hash

PERSONS = [f"person-{number}" for number in range(4000)]


def test_persons_are_shared_out_as_the_shares_say() -> None:
    found = collections.Counter(parts_by_hash(PERSONS, Splits(shares=Shares(train=0.6, tuning=0.3, held_out=0.1))))
    assert {part: round(count / len(PERSONS), 1) for part, count in found.items()} == {
        "train": 0.6,
        "tuning": 0.3,
        "held_out": 0.1,
    }


def test_a_person_stays_where_they_are_whoever_else_is_there() -> None:
    all_of_them = dict(zip(PERSONS, parts_by_hash(PERSONS, Splits()), strict=True))
    assert parts_by_hash(PERSONS[:100:3], Splits()) == [all_of_them[person] for person in PERSONS[:100:3]]


def test_another_seed_gives_other_splits() -> None:
    assert parts_by_hash(PERSONS, Splits(seed=1)) != parts_by_hash(PERSONS, Splits(seed=2))


def test_the_same_person_is_in_the_same_split_in_every_version() -> None:
    assert parts_by_hash(["a", "b", "c", "d", "e", "f"], Splits()) == [
        "train",
        "held_out",
        "tuning",
        "train",
        "held_out",
        "train",
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"shares": {"train": 0.5, "tuning": 0.1, "held_out": 0.1}}, "must add up to 1"),
        ({"tuning": "val"}, "say `column`"),
        ({"column": "split", "seed": 1}, "leave shares and seed out"),
    ],
)
def test_what_would_apply_to_nothing_is_an_error(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Splits.model_validate(keys)
