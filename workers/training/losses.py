"""Losses, an element a label: what is missing counts nothing, so that a sum over parts is the sum over the whole."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from schemas.errors import SpecError
from workers.training.settings import LossSettings, Task

Loss = Callable[[Tensor, Tensor], Tensor]
"""The sum over all labels that are there, from logits (n, outputs) and targets (n, columns)."""

_KINDS = {
    "binary": ("likelihood", "focal"),
    "classes": ("likelihood", "focal"),
    "ordinal": ("likelihood", "focal"),
    "number": ("squared", "huber"),
    "segmentation": ("dice_likelihood", "dice", "likelihood"),
}


def kind_of(task: Task, settings: LossSettings) -> str:
    """The kind that is asked for, or the task's own. Raises SpecError for one that this task has not."""
    kind = settings.kind or _KINDS[task][0]
    if kind not in _KINDS[task]:
        raise SpecError(f"loss.kind: {kind} is not for {task}; choose one of {', '.join(_KINDS[task])}")
    return kind


def loss_of(task: Task, settings: LossSettings, weights: Tensor | None = None) -> Loss:
    """The loss of a task.

    `weights`: by class; of binary outputs (2, outputs): what a 0 and what a 1 counts. Raises SpecError for a kind that
    this task has not.
    """
    kind = kind_of(task, settings)
    gamma = settings.gamma if kind == "focal" else 0.0
    if task == "number":
        return _of_numbers(settings if kind == "huber" else None)
    if task == "binary":
        return lambda logits, targets: _of_sides(logits, targets, gamma, settings.smoothing, weights).sum()
    if task == "classes":
        return lambda logits, targets: _of_classes(logits, targets, gamma, settings.smoothing, weights)
    return lambda logits, targets: _of_order(logits, targets, gamma, settings.smoothing, weights)


def _of_sides(logits: Tensor, targets: Tensor, gamma: float, smoothing: float, weights: Tensor | None) -> Tensor:
    """Cross-entropy of each output, times (1 - p)^gamma of the true side (Lin et al. 2017)."""
    there = ~targets.isnan()
    truth = torch.where(there, targets, 0.0)
    soft = truth * (1 - smoothing) + smoothing / 2
    found = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    if gamma:
        found = found * torch.sigmoid(torch.where(truth > 0.5, -logits, logits)) ** gamma
    if weights is not None:
        found = found * (weights[1] * truth + weights[0] * (1 - truth))
    return torch.where(there, found, 0.0)


def _of_classes(logits: Tensor, targets: Tensor, gamma: float, smoothing: float, weights: Tensor | None) -> Tensor:
    """Cross-entropy of the true class among all; smoothing as in Szegedy et al. 2016. Mixed targets are shares."""
    rows = ~targets.isnan().any(1)
    logs = torch.log_softmax(logits[rows], 1)
    shares = _shares(targets[rows], logits.shape[1])
    soft = shares * (1 - smoothing) + smoothing / logits.shape[1]
    if gamma:
        soft = soft * (1 - logs.exp()) ** gamma
    if weights is not None:
        soft = soft * (shares @ weights)[:, None]
    return -(soft * logs).sum()


def _of_order(logits: Tensor, targets: Tensor, gamma: float, smoothing: float, weights: Tensor | None) -> Tensor:
    """Each boundary is a binary output: is the class above it (Frank and Hall 2001; Cheng et al. 2008)."""
    rows = ~targets.isnan().any(1)
    above = (targets[rows] > torch.arange(logits.shape[1], device=logits.device)).to(logits.dtype)
    found = _of_sides(logits[rows], above, gamma, smoothing, None).sum(1)
    return (found if weights is None else found * weights[targets[rows, 0].long()]).sum()


def _of_numbers(huber: LossSettings | None) -> Loss:
    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        there = ~targets.isnan()
        truth = torch.where(there, targets, logits.detach())
        if huber is None:
            return functional.mse_loss(logits, truth, reduction="sum")
        return functional.huber_loss(logits, truth, reduction="sum", delta=huber.delta)

    return loss


def _shares(targets: Tensor, classes: int) -> Tensor:
    """(n, classes): of one column of classes, or as they are where they are shares already."""
    if targets.shape[1] == classes and classes > 1:
        return targets
    return functional.one_hot(targets[:, 0].long(), classes).to(torch.float32)
