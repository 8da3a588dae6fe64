"""A model directory that was trained gives the trainer's own logits, through the path of `predict`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from schemas.errors import SpecError
from tests.support.planted_hospital import planted_hospital
from tests.support.planted_training import Trained, event_recipe, held, train
from workers.contract import Placement
from workers.ehr.events.formats.directory import FORMAT
from workers.ehr.events.formats.encoder import Encoding
from workers.ehr.events.training.package import write_trained
from workers.models.head import Activation, Head
from workers.training.settings import FitSettings

TIMES = {"inputs": ["value", "ago"], "dropout": 0.2}
NETWORKS: dict[str, Mapping[str, Any]] = {
    "event_rnn": {"cell": "lstm", "hidden": 8, "inputs": ["value", "delta"], "layers": 2, "dropout": 0.2},
    "retain": {"hidden_alpha": 8, "hidden_beta": 8, "visits": "day", **TIMES},
    "code_transformer": {
        "heads": 2,
        "feedforward": 16,
        "inputs": ["value", "ago"],
        "sinusoids": ["ago"],
        "dropout": 0.2,
    },
}
ENCODING = Encoding(max_events=8, clip=3)


def trained(network: str) -> Trained:
    hospital = planted_hospital(240, seed=3)
    examples = held(hospital)
    recipe = event_recipe(examples, network, {"embedding": 8, **NETWORKS[network]}, ENCODING)
    return train(recipe, examples, hospital.outcome, FitSettings(epochs=2, batch=32))


def predicted(folder: Path, model: Trained, activation: Activation) -> np.ndarray:
    write_trained(
        folder, model.recipe, [model.trainer.network.state_dict()], Head(activation=activation, labels=("x",))
    )
    card = FORMAT.describe(folder)
    encoded = FORMAT.open_encoder(folder, card, 1).encode(planted_hospital(240, seed=3).histories)
    return FORMAT.load(folder, card, Placement("cpu")).score([encoded])["score_x"][model.held_out]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_directory_scores_as_the_trainer_did(tmp_path: Path, network: str) -> None:
    model = trained(network)
    assert np.abs(predicted(tmp_path / "raw", model, "none") - model.logits).max() < 1e-6
    sigmoid = 1 / (1 + np.exp(-model.logits))
    assert np.abs(predicted(tmp_path / "whole", model, "sigmoid") - sigmoid).max() < 1e-6
    assert model.logits.std() > 1e-3


@pytest.mark.parametrize("network", NETWORKS)
def test_dropout_is_of_training_only(network: str) -> None:
    hospital = planted_hospital(60, seed=4)
    examples = held(hospital)
    recipe = event_recipe(examples, network, {"embedding": 8, **NETWORKS[network], "dropout": 0.5})
    batch, _ = recipe.batch(examples[:20], hospital.outcome[:20, None], None)
    built = recipe.network()
    with torch.no_grad():
        one, other = (recipe.logits(built.train(), batch) for _ in range(2))
        assert not torch.equal(one, other)
        scores, again = (recipe.logits(built.eval(), batch) for _ in range(2))
    assert torch.equal(scores, again)


def test_logits_are_in_the_order_of_the_examples() -> None:
    hospital = planted_hospital(60, seed=4)
    examples = held(hospital)
    recipe = event_recipe(examples, "event_rnn", {"embedding": 8, "hidden": 8})
    built = recipe.network().eval()

    def logits(rows: list[int]) -> list[float]:
        batch, _ = recipe.batch([examples[row] for row in rows], np.zeros((len(rows), 1)), None)
        return recipe.logits(built, batch)[:, 0].tolist()

    with torch.no_grad():
        together = logits(list(range(30)))
        assert together == pytest.approx([logits([row])[0] for row in range(30)], abs=1e-6)


def test_what_follows_from_the_data_is_not_for_a_person_to_set() -> None:
    with pytest.raises(SpecError, match=r"network\.settings: num_codes follows from the data"):
        event_recipe(held(planted_hospital(60, seed=4)), "event_rnn", {"num_codes": 9})
    with pytest.raises(SpecError, match=r"network\.settings of event_rnn: .*hiden"):
        event_recipe(held(planted_hospital(60, seed=4)), "event_rnn", {"hiden": 9})
