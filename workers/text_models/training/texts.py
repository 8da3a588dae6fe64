"""From the logits of a text's windows to logits of the text, whose scores are those that `predict` makes of them.

`workers.text_models.token_windows.over_windows` puts together the scores of windows; here the same is done to their
logarithms, so that a gradient comes through wherever a score is near 0 or 1. Imports torch.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from schemas.errors import SpecError
from workers.models.head import Activation
from workers.text_models.token_windows import STEP, ScoreWindows

OfWindows = Callable[[Tensor, list[int]], Tensor]
"""(windows, labels) logits of texts with so many windows each, to (texts, labels)."""


def over_windows(activation: Activation, how: ScoreWindows) -> OfWindows:
    """How windows become texts. Raises SpecError for a way by which the scores of classes would not add up to 1, or
    which is for probabilities alone."""
    if activation == "none" and how.aggregation == "clinicalbert":
        raise SpecError(f"{STEP}.aggregation: clinicalbert is for probabilities, and these are numbers: use mean")
    if activation == "softmax" and how.aggregation != "mean":
        raise SpecError(
            f"{STEP}.aggregation: {how.aggregation} of each class would not add up to 1, and nothing could be learned "
            "from it: use mean, or a binary output a class"
        )
    of_one = {"none": _of_numbers, "softmax": _of_classes, "sigmoid": _of_sides}[activation]

    def found(logits: Tensor, counts: list[int]) -> Tensor:
        if max(counts) == 1:
            return logits
        return torch.stack([part[0] if len(part) == 1 else of_one(part, how) for part in torch.split(logits, counts)])

    return found


def _of_numbers(logits: Tensor, how: ScoreWindows) -> Tensor:
    return logits.amax(0) if how.aggregation == "max" else logits.mean(0)


def _of_classes(logits: Tensor, how: ScoreWindows) -> Tensor:
    """Logarithms of the mean probabilities, of which softmax gives these back."""
    return _log_mean(torch.log_softmax(logits, 1))


def _of_sides(logits: Tensor, how: ScoreWindows) -> Tensor:
    """The logit of what becomes of the probabilities: both sides are mixed in the same way."""
    yes, no = logsigmoid(logits), logsigmoid(-logits)
    highest = logits.amax(0)
    if how.aggregation == "max":
        return highest
    mean_yes, mean_no = _log_mean(yes), _log_mean(no)
    if how.aggregation == "clinicalbert":
        share = math.log(len(logits) / how.c)
        mean_yes = torch.logaddexp(logsigmoid(highest), mean_yes + share)
        mean_no = torch.logaddexp(logsigmoid(-highest), mean_no + share)
    return mean_yes - mean_no


def _log_mean(logs: Tensor) -> Tensor:
    return torch.logsumexp(logs, 0) - math.log(len(logs))
