"""A fit of a network on events goes on from any of its states to the same bits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.support.planted_hospital import planted_hospital
from tests.support.planted_training import Labelled, event_recipe, held, split
from workers.training.settings import FitSettings
from workers.training.trainer import Data, Trainer

NETWORKS: dict[str, dict[str, Any]] = {
    "event_rnn": {"hidden": 8, "layers": 2},
    "retain": {"hidden_alpha": 8, "hidden_beta": 8},
    "code_transformer": {"heads": 2, "feedforward": 16},
}


def trainer(network: str) -> Trainer:
    hospital = planted_hospital(160, seed=6)
    examples = held(hospital)
    recipe = event_recipe(
        examples, network, {"embedding": 8, "inputs": ["value", "ago"], "dropout": 0.3, **NETWORKS[network]}
    )
    learned, tuning, _ = (Labelled(examples, rows, hospital.outcome) for rows in split(160))
    return Trainer(recipe, Data(learned, tuning, "binary", 1), FitSettings(epochs=2, batch=32, average=0.9), seed=3)


@pytest.mark.parametrize("network", NETWORKS)
def test_one_that_goes_on_from_a_state_ends_with_the_same_bits(network: str) -> None:
    whole = trainer(network).run(None, lambda state: None)
    kept: list[bytes] = []
    trainer(network).run(None, kept.append, is_time=lambda: True)
    for state in (kept[1], kept[5]):
        torch.manual_seed(99)
        again = trainer(network).run(state, lambda later: None)
        assert again.history == whole.history
        assert all(torch.equal(one, whole.weights[name]) for name, one in again.weights.items())
