"""A batch of windows through a network, mirrored as its card says."""

from itertools import chain, combinations

import torch
from torch import Tensor

from workers.images.volumes.contract import VolumeModel


def logits_of(model: VolumeModel, batch: Tensor) -> Tensor:
    """Logits of windows (n, channels, i, j, k): the mean over the window as it is and mirrored along each set of the
    card's mirror axes, as nnU-Net takes it (`_internal_maybe_mirror_and_predict`)."""
    windows = model.card.windows
    axes = [axis + 2 for axis in windows.mirror] if windows else []
    sets = list(chain.from_iterable(combinations(axes, count) for count in range(1, len(axes) + 1)))
    total = model.forward(batch)
    if not sets:
        return total
    # The network may have given a tensor of its own.
    total = total.clone()
    for flipped in sets:
        total += torch.flip(model.forward(torch.flip(batch, flipped)), flipped)
    return total.div_(len(sets) + 1)
