"""Records go through a network so many at a time as memory allows."""

from __future__ import annotations

import pytest

from workers.models.batches import RecordBatches


def bounded(limit: int, asked: list[tuple[int, int]]):
    def forward(first: int, last: int) -> list[int]:
        asked.append((first, last))
        if last - first > limit:
            raise MemoryError
        return list(range(first, last))

    return forward


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_every_record_is_seen_once_in_order(size):
    asked: list[tuple[int, int]] = []
    found = RecordBatches(size).run(7, bounded(100, asked))
    assert [record for part in found for record in part] == list(range(7))
    assert all(last - first <= size for first, last in asked)


def test_a_batch_that_does_not_fit_is_halved_for_good():
    asked: list[tuple[int, int]] = []
    batches = RecordBatches(16)
    found = batches.run(16, bounded(5, asked))
    assert [record for part in found for record in part] == list(range(16))
    assert asked[:3] == [(0, 16), (0, 8), (0, 4)]
    assert batches.size == 4


def test_a_record_that_does_not_fit_alone_ends_it():
    with pytest.raises(MemoryError):
        RecordBatches(8).run(3, bounded(0, []))


def test_a_size_of_less_than_a_record_is_one_record():
    assert RecordBatches(0).size == 1
