from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.ehr.events.formats.batches import Shard, cut


def test_batches_go_from_the_longest_on_and_fill_their_budget() -> None:
    batches = [batch.tolist() for batch in cut(np.array([2, 5, 0, 3, 2]), events=5)]
    assert batches == [[1], [3, 0], [4]]


def test_a_record_longer_than_a_batch_is_one_by_itself() -> None:
    assert [batch.tolist() for batch in cut(np.array([1, 100, 1]), events=10)] == [[1], [0, 2]]


def test_records_without_events_are_in_no_batch() -> None:
    assert cut(np.array([0, 0]), events=5) == []
    assert cut(np.zeros(0, np.int64), events=5) == []


@given(st.lists(st.integers(0, 30)), st.integers(1, 50))
def test_each_record_with_events_is_in_one_batch_within_the_budget(lengths: list[int], events: int) -> None:
    sizes = np.array(lengths, np.int64)
    batches = cut(sizes, events)
    assert sorted(record for batch in batches for record in batch.tolist()) == np.flatnonzero(sizes).tolist()
    assert all(len(batch) == 1 or sizes[batch].sum() <= events for batch in batches)


def test_a_shard_of_no_parts_has_no_records() -> None:
    shard = Shard([])
    assert (len(shard), shard.events) == (0, 0)


def test_events_of_records_are_found_record_by_record() -> None:
    shard = Shard([])
    shard.lengths, shard.first = np.array([2, 0, 3]), np.array([0, 2, 2])
    assert shard.places(np.array([2, 1, 0])).tolist() == [2, 3, 4, 0, 1]
