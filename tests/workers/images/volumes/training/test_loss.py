"""The loss of segmentation: MONAI's, and arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from workers.images.volumes.training.classes import UNKNOWN
from workers.images.volumes.training.loss import overlap_loss, supervised_loss


def made(classes: int = 3, volumes: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((volumes, classes, 5, 6, 4), generator=generator) * 3
    return logits, torch.randint(0, classes, (volumes, 5, 6, 4), generator=generator)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_it_is_dice_ce_of_monai_times_the_volumes(classes: int) -> None:
    losses = pytest.importorskip("monai.losses")
    logits, truth = made(classes)
    theirs = losses.DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)(logits, truth[:, None])
    assert overlap_loss("dice_likelihood", logits, truth).item() == pytest.approx(2 * theirs.item(), rel=1e-6)
    dice = losses.DiceLoss(include_background=False, to_onehot_y=True, softmax=True)(logits, truth[:, None])
    assert overlap_loss("dice", logits, truth).item() == pytest.approx(2 * dice.item(), rel=1e-6)


def test_a_structure_that_a_volume_has_not_is_counted_as_monai_counts_it() -> None:
    losses = pytest.importorskip("monai.losses")
    logits, truth = made()
    truth[0] = torch.where(truth[0] == 2, 0, truth[0])
    theirs = losses.DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)(logits, truth[:, None])
    assert overlap_loss("dice_likelihood", logits, truth).item() == pytest.approx(2 * theirs.item(), rel=1e-6)


def test_its_gradient_is_that_of_monai() -> None:
    losses = pytest.importorskip("monai.losses")
    logits, truth = made()
    one, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    overlap_loss("dice_likelihood", one, truth).backward()
    (2 * losses.DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)(other, truth[:, None])).backward()
    assert one.grad is not None
    assert torch.allclose(one.grad, other.grad, atol=1e-7)


def test_the_sum_over_parts_of_a_batch_is_that_of_the_batch() -> None:
    logits, truth = made(volumes=5)
    whole = overlap_loss("dice_likelihood", logits, truth)
    parts = sum(overlap_loss("dice_likelihood", logits[at : at + 2], truth[at : at + 2]) for at in (0, 2, 4))
    assert whole.item() == pytest.approx(float(parts), rel=1e-6)


def test_unknown_voxels_count_nothing() -> None:
    logits, truth = made(volumes=1)
    unknown = truth.clone()
    unknown[:, 3:] = UNKNOWN
    cut = overlap_loss("dice_likelihood", logits[:, :, :3], truth[:, :3])
    assert overlap_loss("dice_likelihood", logits, unknown).item() == pytest.approx(cut.item(), rel=1e-6)
    nothing = torch.full_like(truth, UNKNOWN)
    assert torch.isfinite(overlap_loss("dice_likelihood", logits, nothing))


def test_a_sure_right_answer_costs_nothing_and_a_sure_wrong_one_much() -> None:
    _, truth = made(volumes=1)
    sure = 50.0 * torch.nn.functional.one_hot(truth, 3).movedim(-1, 1)
    assert overlap_loss("dice_likelihood", sure, truth).item() == pytest.approx(0, abs=1e-4)
    assert overlap_loss("dice_likelihood", sure, (truth + 1) % 3).item() > 40


def test_answers_at_several_sizes_count_by_halves() -> None:
    logits, truth = made()
    coarse = logits[:, :, ::2, ::2, ::2]
    found = supervised_loss("dice_likelihood", [logits, coarse], truth)
    nearest = truth[:, [0, 1, 3]][:, :, [0, 2, 4]][:, :, :, [0, 2]]
    parts = [overlap_loss("dice_likelihood", logits, truth), overlap_loss("dice_likelihood", coarse, nearest)]
    assert found.item() == pytest.approx((2 * parts[0].item() + parts[1].item()) / 3, rel=1e-6)
    assert supervised_loss("dice", [logits], truth).item() == pytest.approx(overlap_loss("dice", logits, truth).item())
