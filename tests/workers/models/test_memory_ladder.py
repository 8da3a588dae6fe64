"""Items go through a network so much at a time as memory allows, whatever the budget counts."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workers.models.memory_ladder import MemoryLadder

LENGTHS: list[int] = np.random.default_rng(1).integers(1, 200, 300).tolist()


@dataclass
class Device:
    """Holds batches up to `room`, as `cost` counts them; gives back what it got."""

    room: int
    cost: Callable[[list[int]], int] = len
    tried: list[list[int]] = field(default_factory=list)

    def __call__(self, batch: list[int]) -> list[int]:
        self.tried.append(batch)
        if self.cost(batch) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return batch

    @property
    def failures(self) -> int:
        return sum(self.cost(batch) > self.room for batch in self.tried)


def flat(done: Sequence[tuple[list[int], list[int]]]) -> list[int]:
    return [item for _, made in done for item in made]


def tokens(padded: bool) -> Callable[[list[int]], int]:
    def cost(batch: list[int]) -> int:
        lengths = [LENGTHS[number] for number in batch]
        return max(lengths) * len(lengths) if padded else sum(lengths)

    return cost


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_every_record_is_seen_once_in_order(size: int) -> None:
    device = Device(100)
    assert flat(MemoryLadder(size).run(range(7), device)) == list(range(7))
    assert all(len(batch) <= size for batch in device.tried)


def test_a_batch_of_records_that_does_not_fit_is_halved_for_good_and_the_rest_is_cut_again() -> None:
    device, ladder = Device(5), MemoryLadder(16)
    assert flat(ladder.run(range(20), device)) == list(range(20))
    assert [len(batch) for batch in device.tried] == [16, 8, 4, 4, 4, 4, 4]
    assert ladder.budget == 4
    device.tried.clear()
    assert flat(ladder.run(range(9), device)) == list(range(9))
    assert [len(batch) for batch in device.tried] == [4, 4, 1]


def test_one_record_that_does_not_fit_alone_is_a_lack_of_memory() -> None:
    device = Device(0)
    with pytest.raises(MemoryError):
        MemoryLadder(8).run(range(3), device)
    assert [len(batch) for batch in device.tried] == [3, 1]


def test_a_budget_of_less_than_a_record_is_one_record() -> None:
    assert MemoryLadder(0).budget == 1


def test_nothing_to_run_is_nothing_done() -> None:
    assert MemoryLadder(4).run([], Device(1)) == []
    assert MemoryLadder(4).run_each([], Device(1)) == []


def test_an_item_dearer_than_the_budget_goes_alone() -> None:
    done = MemoryLadder(10).run([1, 100, 1], Device(10), lambda item: item)
    assert [batch for batch, _ in done] == [[1], [100], [1]]


def test_at_most_bounds_one_run_and_no_other() -> None:
    ladder = MemoryLadder(6)
    assert [batch for batch, _ in ladder.run(range(6), Device(9), at_most=4)] == [[0, 1, 2, 3], [4, 5]]
    assert ladder.budget == 6
    assert len(ladder.run(range(6), Device(9))) == 1


def test_items_that_cost_nothing_are_halved_all_the_same() -> None:
    device = Device(2)
    assert MemoryLadder(100).run_each([0] * 7, device) == list(range(7))


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("budget", [64, 512, 4096])
def test_batches_keep_a_budget_of_tokens_and_values_come_back_in_order(padded: bool, budget: int) -> None:
    device = Device(10**9)
    ladder = MemoryLadder(budget, padded)
    assert ladder.run_each(LENGTHS, device) == list(range(len(LENGTHS)))
    cost = tokens(padded)
    assert all(len(batch) == 1 or cost(batch) <= budget for batch in device.tried)
    assert ladder.spent == sum(cost(batch) for batch in device.tried)


def test_the_longest_windows_run_first_and_those_of_like_length_together() -> None:
    device = Device(10**9)
    MemoryLadder(10, padded=True).run_each([1, 5, 2, 5, 1, 2], device)
    assert device.tried == [[1, 3], [0, 4, 2, 5]]


def test_sorted_by_length_little_is_padding() -> None:
    lengths = np.clip(np.random.default_rng(2).lognormal(4.25, 0.8, 800), 8, 512).astype(int).tolist()
    ladder = MemoryLadder(4096, padded=True)
    ladder.run_each(lengths, Device(10**9))
    assert 1 - sum(lengths) / ladder.spent < 0.1


@pytest.mark.parametrize("padded", [True, False])
def test_a_device_that_is_short_of_memory_for_tokens_halves_their_budget_for_good(padded: bool) -> None:
    device, ladder = Device(700, tokens(padded)), MemoryLadder(4096, padded)
    assert ladder.run_each(LENGTHS, device) == list(range(len(LENGTHS)))
    assert 350 <= ladder.budget <= 700
    failures = device.failures
    assert failures <= 3
    assert ladder.run_each(LENGTHS, device) == list(range(len(LENGTHS)))
    assert device.failures == failures


def test_one_window_that_does_not_fit_is_a_lack_of_memory() -> None:
    with pytest.raises(MemoryError):
        MemoryLadder(100).run_each([10, 10], Device(0))


def halves(item: range) -> list[range]:
    middle = len(item) // 2
    return [item[:middle], item[middle:]] if len(item) > 1 else []


def test_an_item_that_is_too_much_alone_is_replaced_by_its_parts_in_its_place() -> None:
    tried: list[int] = []

    def forward(batch: list[range]) -> list[int]:
        tried.append(sum(map(len, batch)))
        if tried[-1] > 3:
            raise MemoryError
        return [number for item in batch for number in item]

    ladder = MemoryLadder(1000)
    done = ladder.run([range(2), range(2, 12), range(12, 13)], forward, len, divide=halves)
    assert [number for _, made in done for number in made] == list(range(13))
    assert ladder.budget == 2


def test_an_item_that_falls_into_no_parts_is_a_lack_of_memory() -> None:
    def forward(batch: list[range]) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        MemoryLadder(1000).run([range(4), range(9)], forward, len, divide=halves)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_share_what_waits_and_nothing_is_lost_where_memory_is_short(threads: int) -> None:
    lock, seen, ladder = threading.Lock(), [], MemoryLadder(64)

    def forward(batch: list[int]) -> list[int]:
        if len(batch) > 5:
            raise MemoryError
        with lock:
            seen.extend(batch)
        return batch

    done = ladder.run(range(200), forward, threads=threads)
    assert sorted(seen) == sorted(flat(done)) == list(range(200))
    assert ladder.budget <= 5


def test_what_a_thread_raises_ends_the_run() -> None:
    def forward(batch: list[int]) -> None:
        raise ValueError("the network is broken")

    with pytest.raises(ValueError, match="broken"):
        MemoryLadder(1).run(range(8), forward, threads=2)


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(0, 60), st.integers(30, 80), st.booleans(), st.booleans())
def test_whatever_the_costs_every_item_is_done_once_in_order(
    costs: list[int], budget: int, room: int, padded: bool, last_first: bool
) -> None:
    ladder = MemoryLadder(budget, padded)
    device = Device(room, lambda batch: ladder.cost([costs[number] for number in batch]))
    done = ladder.run(range(len(costs)), device, costs.__getitem__, last_first=last_first)
    assert flat(done) == list(range(len(costs)))
