"""Losses against torch's own, and against arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from schemas.errors import SpecError
from workers.training.losses import loss_of
from workers.training.settings import LossSettings

NAN = float("nan")
LOGITS = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-0.2, 0.1, 0.4]])


def value(
    task: str, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None, **settings: object
) -> torch.Tensor:
    return loss_of(task, LossSettings(**settings), weights)(logits, targets)


def test_binary_outputs_are_cross_entropy_and_what_is_missing_counts_nothing() -> None:
    targets = torch.tensor([[1.0, 0, NAN], [NAN, 1, 0], [1, NAN, NAN]])
    known = ~targets.isnan()
    expected = functional.binary_cross_entropy_with_logits(LOGITS[known], targets[known], reduction="sum")
    assert value("binary", LOGITS, targets).item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_missing_label_gives_no_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    value("binary", logits, torch.tensor([[1.0, 0, NAN]] * 3)).backward()
    assert logits.grad is not None
    assert logits.grad[:, 2].eq(0).all()
    assert logits.grad.isfinite().all()


def test_weights_of_the_sides_are_those_of_positive_weights() -> None:
    targets = torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 1, 0]])
    weights = torch.tensor([[1.0, 1, 1], [3.0, 2, 5]])
    expected = functional.binary_cross_entropy_with_logits(LOGITS, targets, pos_weight=weights[1], reduction="sum")
    assert value("binary", LOGITS, targets, weights).item() == pytest.approx(expected.item(), abs=1e-5)


def test_classes_are_cross_entropy_with_weights_and_smoothing() -> None:
    targets = torch.tensor([[2.0], [0], [1]])
    plain = functional.cross_entropy(LOGITS, targets[:, 0].long(), label_smoothing=0.1, reduction="sum")
    assert value("classes", LOGITS, targets, smoothing=0.1).item() == pytest.approx(plain.item(), abs=1e-6)
    weights = torch.tensor([1.0, 2.0, 4.0])
    weighted = functional.cross_entropy(LOGITS, targets[:, 0].long(), weight=weights, reduction="sum")
    assert value("classes", LOGITS, targets, weights).item() == pytest.approx(weighted.item(), abs=1e-6)


def test_shares_of_classes_are_the_mean_of_their_losses() -> None:
    one, other = torch.tensor([[2.0], [0], [1]]), torch.tensor([[0.0], [0], [2]])
    shares = 0.3 * functional.one_hot(one[:, 0].long(), 3) + 0.7 * functional.one_hot(other[:, 0].long(), 3)
    expected = 0.3 * value("classes", LOGITS, one) + 0.7 * value("classes", LOGITS, other)
    assert value("classes", LOGITS, shares).item() == pytest.approx(expected.item(), abs=1e-6)


def test_focal_is_cross_entropy_times_the_power_of_what_is_left() -> None:
    targets = torch.tensor([[1.0], [0.0]])
    logits = torch.tensor([[0.8], [0.8]])
    p = torch.sigmoid(torch.tensor(0.8)).item()
    expected = -((1 - p) ** 2) * torch.tensor(p).log() - p**2 * torch.tensor(1 - p).log()
    assert value("binary", logits, targets, kind="focal").item() == pytest.approx(expected.item(), abs=1e-6)


def test_focal_without_gamma_is_cross_entropy() -> None:
    for task, targets in (("binary", torch.tensor([[1.0, 0, 1]] * 3)), ("classes", torch.tensor([[1.0], [0], [2]]))):
        plain = value(task, LOGITS, targets)
        assert value(task, LOGITS, targets, kind="focal", gamma=0).item() == pytest.approx(plain.item(), abs=1e-6)


def test_an_order_is_a_binary_output_for_each_boundary() -> None:
    targets = torch.tensor([[0.0], [2.0], [3.0]])
    above = torch.tensor([[0.0, 0, 0], [1, 1, 0], [1, 1, 1]])
    expected = functional.binary_cross_entropy_with_logits(LOGITS, above, reduction="sum")
    assert value("ordinal", LOGITS, targets).item() == pytest.approx(expected.item(), abs=1e-6)


def test_numbers_are_squares_or_huber_s() -> None:
    logits, targets = torch.tensor([[1.0], [4.0], [2.0]]), torch.tensor([[1.5], [1.0], [NAN]])
    assert value("number", logits, targets).item() == pytest.approx(0.25 + 9)
    assert value("number", logits, targets, kind="huber").item() == pytest.approx(0.125 + 2.5)


@pytest.mark.parametrize(("task", "kind"), [("number", "focal"), ("binary", "huber"), ("classes", "squared")])
def test_a_loss_of_another_task_is_refused(task: str, kind: str) -> None:
    with pytest.raises(SpecError, match=f"loss.kind: {kind} is not for {task}; choose one of"):
        value(task, LOGITS, LOGITS, kind=kind)
