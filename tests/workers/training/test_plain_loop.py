"""The whole trainer against a loop of plain PyTorch with each formula written out: same weights at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.support.training import PointRecipe, Points
from workers.training.sampler import Sampler
from workers.training.schedule import rate_at
from workers.training.settings import FitSettings
from workers.training.trainer import Data, Trainer

SEED, OUTPUTS, EPOCHS = 3, 3, 2
CHANCE = np.random.default_rng(8)
SHOWN = CHANCE.normal(size=(50, 4)).astype(np.float32)


def sides(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy, 0 where the truth is missing."""
    known = ~truth.isnan()
    at = torch.where(known, truth, 0)
    p = logits.sigmoid()
    return torch.where(known, -(at * p.log() + (1 - at) * (1 - p).log()), 0)


def weighted(logits: Tensor, truth: Tensor) -> Tensor:
    """Each side of each output has the same sum over all examples, 1 on average."""
    every = torch.tensor(MANY)
    positive, known = (every == 1).sum(0), (~every.isnan()).sum(0)
    weight = torch.where(truth == 1, known / 2 / positive, known / 2 / (known - positive))
    return sides(logits, truth) * torch.where(truth.isnan(), 0, weight).float()


def focal_classes(logits: Tensor, truth: Tensor) -> Tensor:
    p = logits.softmax(1).gather(1, truth.long())
    return -((1 - p) ** 2) * p.log()


def ordinal(logits: Tensor, truth: Tensor) -> Tensor:
    """Is the grade above 0, above 1, above 2."""
    return sides(logits, (truth > torch.arange(OUTPUTS)).float())


def huber(logits: Tensor, truth: Tensor) -> Tensor:
    off = (logits - torch.where(truth.isnan(), logits.detach(), truth)).abs()
    return torch.where(off < 0.5, off**2 / 2, 0.5 * (off - 0.25))


MANY = np.where(CHANCE.random((50, OUTPUTS)) < 0.3, np.nan, (SHOWN[:, :OUTPUTS] > 0.4).astype(np.float64))
GRADES = np.digitize(SHOWN[:, :1], [-0.7, 0, 0.7]).astype(np.float64)
NUMBERS = np.where(CHANCE.random((50, OUTPUTS)) < 0.2, np.nan, 2 * SHOWN[:, :OUTPUTS].astype(np.float64))
CASES: dict[str, tuple[str, np.ndarray, Callable[[Tensor, Tensor], Tensor], dict[str, Any]]] = {
    "several labels, some missing": ("binary", MANY, sides, {}),
    "balance by weights": ("binary", MANY, weighted, {"balance": "weights"}),
    "clipping": ("binary", MANY, sides, {"clip": 0.05}),
    "accumulation": ("binary", MANY, sides, {"accumulate": 4}),
    "moving average": ("binary", MANY, sides, {"average": 0.6}),
    "focal": ("classes", np.minimum(GRADES, 2), focal_classes, {"loss": {"kind": "focal"}}),
    "grades": ("ordinal", GRADES, ordinal, {"metric": "loss"}),
    "numbers": ("number", NUMBERS, huber, {"loss": {"kind": "huber", "delta": 0.5}}),
}


def plainly(truths: np.ndarray, loss: Callable[[Tensor, Tensor], Tensor], settings: FitSettings) -> dict[str, Tensor]:
    """The weights that a loop by hand comes to."""
    torch.manual_seed(SEED)
    network = PointRecipe(4, OUTPUTS, noise=0, dropout=0, norm=False).network()
    decay = [{"params": [one], "weight_decay": 0.01 * (one.ndim > 1)} for one in network.parameters()]
    optimiser, average = torch.optim.AdamW(decay), {key: one.clone() for key, one in network.state_dict().items()}
    sampler, step = Sampler(len(truths), settings.batch, SEED), 0
    for epoch in range(EPOCHS):
        for places in sampler.epoch(epoch):
            optimiser.zero_grad()
            truth = torch.tensor(truths[places], dtype=torch.float32)
            (loss(network(torch.tensor(SHOWN[places])), truth).sum() / (~truth.isnan()).sum()).backward()
            length = torch.sqrt(sum((one.grad**2).sum() for one in network.parameters()))
            for one in network.parameters():
                one.grad *= min(1.0, (settings.clip or np.inf) / float(length))
            for group in optimiser.param_groups:
                group["lr"] = rate_at(settings, step, EPOCHS * sampler.steps)
            optimiser.step()
            share = min(settings.average or 0, (1 + step) / (10 + step))
            now = network.state_dict()
            average = {key: share * one + (1 - share) * now[key] for key, one in average.items()}
            step += 1
    return average


@pytest.mark.parametrize("case", CASES)
def test_the_weights_are_those_of_a_plain_loop(case: str) -> None:
    task, truths, loss, changes = CASES[case]
    settings = FitSettings(**{"epochs": EPOCHS, "batch": 16, "clip": None, "keep": "last", **changes})
    recipe = PointRecipe(4, OUTPUTS, noise=0, dropout=0, norm=False)
    data = Data(Points(SHOWN, truths), Points(SHOWN, truths), task, OUTPUTS)
    fitted = Trainer(recipe, data, settings, SEED).run(None, lambda state: None)
    for name, weight in plainly(truths, loss, settings).items():
        torch.testing.assert_close(fitted.weights[name], weight, rtol=0, atol=2e-6)
