"""What is made small where structures are marked: soft Dice and cross-entropy (Milletari et al. 2016; Isensee et al.
2021). Imports torch."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from workers.images.volumes.training.classes import UNKNOWN

Kind = Literal["dice_likelihood", "dice", "likelihood"]
_SMOOTH = 1e-5
"""As in MONAI: added to what is shared, and to the sum of both."""


def overlap_loss(kind: Kind, logits: Tensor, truth: Tensor) -> Tensor:
    """The sum over volumes of the loss of each: `monai.losses.DiceCELoss(include_background=False, to_onehot_y=True,
    softmax=True)` times their number, or either part of it.

    `logits` (n, classes, i, j, k), background first; `truth` (n, i, j, k) int64, the class of each voxel, or `UNKNOWN`.
    """
    logits = logits.float()
    known = truth != UNKNOWN
    classes = torch.where(known, truth, 0)
    found = torch.zeros((), device=logits.device)
    if kind != "dice":
        found = found + _likelihood(logits, classes, known)
    return found if kind == "likelihood" else found + _dice(logits, classes, known)


def supervised_loss(kind: Kind, answers: Sequence[Tensor], truth: Tensor) -> Tensor:
    """The same of a network that answers at several sizes, the finest first: each next one counts half as much, all
    together as much as one (deep supervision, Isensee et al. 2021). The truth of a coarser one is that of the nearest
    voxel."""
    shares = [0.5**place for place in range(len(answers))]
    found = torch.zeros((), device=truth.device)
    for share, logits in zip(shares, answers, strict=True):
        found = found + share / sum(shares) * overlap_loss(kind, logits, _as_coarse(truth, logits.shape[2:]))
    return found


def _likelihood(logits: Tensor, classes: Tensor, known: Tensor) -> Tensor:
    """The sum over volumes of the mean cross-entropy of their known voxels."""
    each = functional.cross_entropy(logits, classes, reduction="none") * known
    return (each.flatten(1).sum(1) / known.flatten(1).sum(1).clamp(min=1)).sum()


def _dice(logits: Tensor, classes: Tensor, known: Tensor) -> Tensor:
    """The sum over volumes of 1 less the mean soft Dice of their structures."""
    one_hot = functional.one_hot(classes, logits.shape[1]).movedim(-1, 1)[:, 1:] * known[:, None]
    shares = torch.softmax(logits, 1)[:, 1:] * known[:, None]
    shared = (shares * one_hot).flatten(2).sum(2)
    both = shares.flatten(2).sum(2) + one_hot.flatten(2).sum(2)
    return (1 - (2 * shared + _SMOOTH) / (both + _SMOOTH)).mean(1).sum()


def _as_coarse(truth: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(truth.shape[1:]) == tuple(size):
        return truth
    return functional.interpolate(truth[:, None].float(), tuple(size), mode="nearest")[:, 0].long()
