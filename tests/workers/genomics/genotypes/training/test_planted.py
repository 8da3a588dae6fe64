"""Networks over a panel come near the best that any ranking can do, where the risk is known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.planted_panel import PlantedPanel, planted_panel
from tests.support.planted_training import area, split, train
from workers.genomics.genotypes.training.recipe import PanelRecipe, fit_panel
from workers.training.settings import FitSettings

NETWORKS: dict[str, dict[str, Any]] = {
    "panel_mlp": {"hidden": [32], "dropout": 0.1},
    "panel_cnn": {"channels": [16], "kernels": [5], "pools": [1], "bins": 48},
    "panel_transformer": {"patch": 2, "width": 32, "heads": 2, "layers": 1, "feedforward": 128, "pooling": "mean"},
}


def gap(panel: PlantedPanel, network: str, settings: dict[str, Any], **fit: Any) -> float:
    """How much better than the network the known risk ranks the samples that it never saw."""
    examples = panel.examples()
    fitted = fit_panel([examples[row] for row in split(len(examples))[0].tolist()])
    recipe = PanelRecipe(network, settings, fitted, "standardise", 1)
    model = train(recipe, examples, panel.outcome, FitSettings(average=0.98, **fit))
    best, found = (area(s, panel.outcome[model.held_out]) for s in (panel.risk[model.held_out], model.logits))
    assert best.value is not None
    assert found.value is not None
    print(f"best {best.value:.4f}, found {found.value:.4f}")
    return best.value - found.value


@pytest.mark.long
@pytest.mark.parametrize("network", NETWORKS)
def test_a_planted_panel_is_found_nearly_whole(network: str) -> None:
    panel = planted_panel(24_000, seed=1)
    assert gap(panel, network, NETWORKS[network], epochs=8, batch=128, learning_rate=4e-3) < 0.02


@pytest.mark.parametrize("network", NETWORKS)
def test_a_planted_panel_is_found_in_few_samples(network: str) -> None:
    settings = NETWORKS[network]
    if network == "panel_transformer":
        # Learning what to make of each place takes more samples than these: the whole panel is one patch.
        settings = {**settings, "patch": 48, "pooling": "cls"}
    assert gap(planted_panel(3000, seed=1), network, settings, epochs=6, batch=64, learning_rate=3e-3) < 0.04
