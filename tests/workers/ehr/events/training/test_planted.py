"""Networks come near the best that any ranking can do, where the risk is known; where there is nothing, they find
nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.planted_hospital import Hospital, planted_hospital
from tests.support.planted_training import Trained, area, event_recipe, held, train
from workers.training.settings import FitSettings

INPUTS = ["value", "ago"]
NETWORKS: dict[str, dict[str, Any]] = {
    "event_rnn": {"embedding": 16, "hidden": 24},
    "retain": {"embedding": 16, "hidden_alpha": 16, "hidden_beta": 16},
    "code_transformer": {"embedding": 32, "heads": 4, "feedforward": 64},
}


def trained(hospital: Hospital, network: str, **fit: Any) -> Trained:
    examples = held(hospital)
    recipe = event_recipe(examples, network, {**NETWORKS[network], "inputs": INPUTS})
    return train(recipe, examples, hospital.outcome, FitSettings(average=0.98, **fit))


def gap(hospital: Hospital, model: Trained) -> float:
    """How much better than the network the known risk ranks the records that it never saw."""
    rows = model.held_out
    best, found = area(hospital.risk[rows], hospital.outcome[rows]), area(model.logits, hospital.outcome[rows])
    assert best.value is not None
    assert found.value is not None
    print(f"best {best.value:.4f}, found {found.value:.4f}")
    return best.value - found.value


@pytest.mark.long
@pytest.mark.parametrize("network", NETWORKS)
def test_a_planted_signal_is_found_nearly_whole(network: str) -> None:
    hospital = planted_hospital(24_000, seed=1)
    assert gap(hospital, trained(hospital, network, epochs=10, batch=128, learning_rate=5e-3)) < 0.02


@pytest.mark.parametrize("network", ["event_rnn"])
def test_a_planted_signal_is_found_in_few_histories(network: str) -> None:
    hospital = planted_hospital(3000, seed=1)
    assert gap(hospital, trained(hospital, network, epochs=6, batch=50, learning_rate=8e-3)) < 0.06


def test_outcomes_that_were_shuffled_are_not_told_apart() -> None:
    hospital = planted_hospital(3000, seed=1).with_shuffled_outcomes(seed=7)
    model = trained(hospital, "event_rnn", epochs=4, batch=64, learning_rate=8e-3)
    found = area(model.logits, hospital.outcome[model.held_out])
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.5 < found.high
