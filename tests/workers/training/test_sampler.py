"""What a step shows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.training.balance import class_weights, example_weights
from workers.training.sampler import Sampler, smallest_part
from workers.training.settings import FitSettings


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.integers(2, 64), st.integers(0, 5), st.integers(0, 5))
def test_an_epoch_shows_each_example_once_in_batches_of_nearly_one_size(
    examples: int, batch: int, seed: int, epoch: int
) -> None:
    steps = Sampler(examples, batch, seed).epoch(epoch)
    sizes = [len(step) for step in steps]
    assert sorted(np.concatenate(steps)) == list(range(examples))
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 90), st.integers(2, 20), st.integers(1, 3), st.integers(1, 20))
def test_the_smallest_part_is_that_of_the_epochs(examples: int, batch: int, processes: int, accumulate: int) -> None:
    fit = FitSettings(batch=batch, accumulate=min(accumulate, batch))
    shares = [np.array_split(step, processes) for step in Sampler(examples, batch, 0).epoch(0)]
    parts = [part for step in shares for share in step for part in np.array_split(share, fit.accumulate)]
    assert smallest_part(examples, fit, processes) == min(len(part) for part in parts)


def test_an_epoch_depends_on_seed_and_number_alone() -> None:
    sampler = Sampler(50, 8, 3)
    first, second = np.concatenate(sampler.epoch(0)), np.concatenate(sampler.epoch(1))
    assert list(first) == list(np.concatenate(Sampler(50, 8, 3).epoch(0)))
    assert list(first) != list(second)
    assert list(first) != list(np.concatenate(Sampler(50, 8, 4).epoch(0)))


def test_a_rare_class_is_shown_as_often_as_others() -> None:
    targets = np.array([[1.0]] * 20 + [[0.0]] * 980)
    weights = example_weights("binary", targets, 1)
    shown = np.concatenate([np.concatenate(Sampler(1000, 50, 1, weights).epoch(number)) for number in range(10)])
    assert abs((shown < 20).mean() - 0.5) < 0.02


def test_class_weights_give_each_class_the_same_sum() -> None:
    targets = np.array([[0.0]] * 6 + [[1.0]] * 3 + [[2.0]] + [[np.nan]])
    weights = class_weights("classes", targets, 4)
    assert weights is not None
    assert np.allclose(weights, [10 / 3 / 6, 10 / 3 / 3, 10 / 3, 0])
    sides = class_weights("binary", np.array([[1.0, np.nan], [0, 1], [0, 1], [0, np.nan]]), 2)
    assert sides is not None
    assert np.allclose(sides, [[4 / 2 / 3, 0], [2, 1]])


def test_numbers_have_no_classes_to_balance() -> None:
    assert example_weights("number", np.ones((3, 1)), 1) is None
