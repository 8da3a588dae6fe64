"""The loop: it learns, and goes on from any of its states to the same bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from schemas.errors import RefusedError, SpecError
from tests.support.training import PointRecipe, Points, binary_points, binary_trainer
from workers.training.settings import FitSettings
from workers.training.state import State
from workers.training.trainer import Data, Fitted, Trainer

EVERYTHING = {
    "average": 0.9,
    "accumulate": 3,
    "balance": "sampling",
    "clip": 0.5,
    "loss": {"kind": "focal", "smoothing": 0.05},
}


def ignore(data: bytes) -> None:
    """No state is kept."""


def same(one: Fitted, other: Fitted) -> bool:
    bits = all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    return bits and one.weights.keys() == other.weights.keys() and one.history == other.history


@pytest.mark.parametrize(
    "settings",
    [{}, EVERYTHING, {"balance": "weights"}, {**EVERYTHING, "precision": "bfloat16"}, {"precision": "float16"}],
)
def test_one_that_goes_on_from_any_step_ends_with_the_same_bits(settings: dict[str, object]) -> None:
    whole = binary_trainer(**settings).run(None, lambda data: None)
    kept: list[bytes] = []
    binary_trainer(**settings).run(None, kept.append, is_time=lambda: True)
    assert len(kept) == 4 * (6 + 1)
    for data in kept[::3]:
        torch.manual_seed(77)
        np.random.default_rng(77)
        assert same(binary_trainer(**settings).run(data, lambda data: None), whole)


def test_one_that_is_stopped_after_every_step_ends_with_the_same_bits() -> None:
    whole = binary_trainer(**EVERYTHING).run(None, lambda data: None)
    kept: list[bytes] = []
    for _ in range(100):
        fitted = binary_trainer(**EVERYTHING).run(kept[-1] if kept else None, kept.append, stop=lambda: True)
        if fitted.is_done:
            break
    assert fitted.is_done
    assert same(fitted, whole)


def test_another_seed_gives_other_weights() -> None:
    one, other = (binary_trainer(seed).run(None, lambda data: None) for seed in (1, 2))
    assert not same(one, other)


def test_a_signal_is_learned_and_the_metric_is_that_of_the_weights_that_are_given() -> None:
    trainer = binary_trainer(epochs=20, learning_rate=0.01)
    fitted = trainer.run(None, lambda data: None)
    assert fitted.value is not None
    assert fitted.value > 0.9
    assert fitted.value == max(row["auroc"] for row in fitted.history)
    assert fitted.history[fitted.epoch or 0]["auroc"] == fitted.value
    trainer.network.load_state_dict(dict(fitted.weights))
    tuning = binary_points(60, 2)
    scores = trainer.network.eval()(torch.tensor(tuning.shown)).detach().numpy()[:, 0]
    pairs = scores[tuning.targets[:, 0] == 1][:, None] - scores[tuning.targets[:, 0] == 0][None]
    assert float((pairs > 0).mean() + (pairs == 0).mean() / 2) == pytest.approx(fitted.value, abs=1e-12)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_precision_is_that_of_the_arithmetic_on_a_processor_too(precision: str) -> None:
    whole, half = (
        binary_trainer(epochs=20, learning_rate=0.01, precision=named).run(None, ignore)
        for named in ("float32", precision)
    )
    assert not same(whole, half)
    assert all(weight.dtype in (torch.float32, torch.int64) for weight in half.weights.values())
    assert half.value == pytest.approx(whole.value, abs=0.02)


def test_a_training_without_progress_is_stopped_early() -> None:
    fitted = binary_trainer(epochs=50, learning_rate=1e-12, warmup=0, early_stopping={"patience": 3}).run(
        None, lambda data: None
    )
    assert fitted.is_done
    assert len(fitted.history) < 50
    assert len(fitted.history) == (fitted.epoch or 0) + 4


def test_the_last_epoch_is_kept_where_that_is_asked_for() -> None:
    best, last = (
        binary_trainer(epochs=12, learning_rate=0.1, keep=keep).run(None, ignore) for keep in ("best", "last")
    )
    assert best.history == last.history
    assert last.epoch == 11
    assert last.value == last.history[-1]["auroc"]
    assert best.epoch != last.epoch
    assert not same(best, last)
    kept: list[bytes] = []
    binary_trainer(epochs=12, learning_rate=0.1, keep="last").run(None, kept.append)
    assert same(binary_trainer(epochs=12, learning_rate=0.1, keep="last").run(kept[4], ignore), last)


def test_early_stopping_and_the_last_epoch_are_not_asked_for_together() -> None:
    with pytest.raises(ValueError, match="early_stopping goes back to the best epoch"):
        FitSettings(keep="last", early_stopping={"patience": 3})


def test_the_gradient_of_parts_is_that_of_the_whole() -> None:
    recipe = PointRecipe(4, 1, noise=0, dropout=0, norm=False)
    one, other = (
        binary_trainer(recipe=recipe, accumulate=parts, epochs=1).run(None, lambda data: None) for parts in (1, 5)
    )
    for name, weight in one.weights.items():
        assert torch.allclose(weight, other.weights[name], atol=1e-6)


def test_weights_that_run_away_are_told() -> None:
    data = Data(Points(np.full((8, 4), np.nan, np.float32), np.ones((8, 1))), binary_points(8, 1), "binary", 1)
    with pytest.raises(SpecError, match="the loss is nan in epoch 0, step 0: lower learning_rate"):
        Trainer(PointRecipe(4, 1), data, FitSettings(batch=8), 1).run(None, lambda data: None)


@pytest.mark.parametrize("wrong", [b"", b"\0" * 40, b"{}"])
def test_a_damaged_state_is_refused(wrong: bytes) -> None:
    with pytest.raises(RefusedError, match="a checkpoint is damaged"):
        State.decode(wrong)
