"""The learning rate, and which weights decay."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError
from torch import nn

from workers.training.optimiser import optimiser_of
from workers.training.schedule import rate_at
from workers.training.settings import FitSettings


def test_the_rate_grows_in_a_line_then_follows_half_a_cosine() -> None:
    settings = FitSettings(learning_rate=0.1, warmup=0.2)
    rates = [rate_at(settings, step, 50) for step in range(50)]
    assert rates[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(0.1)
    assert rates[30] == pytest.approx(0.05)
    assert rates[49] == pytest.approx(0.05 * (1 + math.cos(math.pi * 39 / 40)))


def test_a_constant_rate_stays_after_warm_up() -> None:
    settings = FitSettings(learning_rate=0.1, warmup=0, schedule="constant")
    assert {rate_at(settings, step, 9) for step in range(9)} == {0.1}


def test_matrices_and_kernels_decay_and_nothing_else_does() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    groups = optimiser_of(network, FitSettings(weight_decay=0.3)).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.3, 2), (0.0, 4)]


def test_more_parts_than_examples_of_a_batch_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"accumulate \(9\) is more than batch \(8\)"):
        FitSettings(batch=8, accumulate=9)
