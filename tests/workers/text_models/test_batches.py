from __future__ import annotations

import numpy as np
import pytest

from workers.text_models.batches import TokenBudget

LENGTHS = np.random.default_rng(1).integers(1, 200, 300).tolist()


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("tokens", [64, 512, 4096])
def test_batches_keep_the_budget_and_hold_every_window_once(padded, tokens):
    budget = TokenBudget(tokens, padded)
    batches = budget.cut(LENGTHS, range(len(LENGTHS)))
    assert sorted(i for batch in batches for i in batch) == list(range(len(LENGTHS)))
    for batch in batches:
        assert len(batch) == 1 or budget.cost([LENGTHS[i] for i in batch]) <= tokens


def test_values_come_back_in_the_order_of_the_windows():
    budget = TokenBudget(500, padded=False)
    assert budget.run(LENGTHS, lambda batch: [LENGTHS[i] for i in batch]) == LENGTHS
    assert budget.spent == sum(LENGTHS)


def test_sorted_by_length_little_is_padding():
    lengths = np.clip(np.random.default_rng(2).lognormal(4.25, 0.8, 800), 8, 512).astype(int).tolist()
    budget = TokenBudget(4096, padded=True)
    budget.run(lengths, lambda batch: batch)
    assert 1 - sum(lengths) / budget.spent < 0.1


def test_a_device_without_memory_halves_the_budget_for_good():
    budget = TokenBudget(4096, padded=True)
    tried = []

    def forward(batch):
        tried.append(budget.cost([LENGTHS[i] for i in batch]))
        if tried[-1] > 700:
            raise MemoryError
        return [LENGTHS[i] for i in batch]

    assert budget.run(LENGTHS, forward) == LENGTHS
    assert budget.tokens <= 700
    failures = sum(cost > 700 for cost in tried)
    assert failures <= 3
    assert budget.run(LENGTHS, forward) == LENGTHS
    assert sum(cost > 700 for cost in tried) == failures


def test_one_window_that_does_not_fit_is_a_lack_of_memory():
    def forward(batch):
        raise MemoryError

    with pytest.raises(MemoryError):
        TokenBudget(100, padded=False).run([10, 10], forward)
