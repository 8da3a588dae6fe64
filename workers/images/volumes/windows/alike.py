"""Windows that look alike to a network: one is shown for all.

A network is a function of its window. Two windows of one value, the same in both, have the same logits whatever the
network is. Where a card says that all values up to `air_below` are air, windows of nothing but air have them too:
`check_air` tries it out.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from schemas.errors import SpecError
from workers.contract import Array
from workers.images.volumes.contract import VolumeModel
from workers.images.volumes.volume import Shape3
from workers.images.volumes.windows.gather import Gather
from workers.images.volumes.windows.shown import logits_of

_KEPT = 2
"""Logits of windows that are kept for others. Air is one; a second is what lies outside of what was scanned."""
_SIDE = 32
"""Voxels of a tried window along an axis that has no fixed length."""
_SAME = 1e-5
_BELOW = (0.0, 1e-3, 0.1, 10.0, 1e3)
"""How far below the limit tried air lies, and how far its noise goes."""


@dataclass
class Alike:
    """One kind of windows: the logits of the one that was shown, once it was."""

    logits: Tensor | None = None


class AlikeWindows:
    """The kinds of windows that were met last."""

    def __init__(self, air_below: float | None) -> None:
        self._air_below = air_below
        self._kinds: OrderedDict[Hashable, Alike] = OrderedDict()

    def kind(self, gather: Gather, start: Shape3, roi: Shape3) -> tuple[Alike | None, bool]:
        """The kind of a window, None if it is like no other, and whether one of them was met before."""
        value = self._value(gather.inside(start), gather.filled_with)
        if value is None:
            return None, False
        key = (roi, value)
        met = key in self._kinds
        kind = self._kinds.setdefault(key, Alike())
        self._kinds.move_to_end(key)
        if len(self._kinds) > _KEPT:
            self._kinds.popitem(last=False)
        return kind, met

    def forget(self) -> bool:
        """Keep no logits. Returns whether there were any."""
        held = [kind for kind in self._kinds.values() if kind.logits is not None]
        for kind in held:
            kind.logits = None
        self._kinds.clear()
        return bool(held)

    def _value(self, inside: Array, beside: float | None) -> Hashable:
        if self._air_below is not None and _at_most(inside, beside, self._air_below):
            return "air"
        return _one_value(inside, beside)


def _at_most(inside: Array, beside: float | None, limit: float) -> bool:
    # A window of tissue shows it at once.
    if beside is not None and beside > limit:
        return False
    return bool((_samples(inside) <= limit).all() and (inside <= limit).all())


def _one_value(inside: Array, beside: float | None) -> Hashable:
    first = inside[:, :1, :1, :1]
    if not (_samples(inside) == first).all() or not (inside == first).all():
        return None
    values = tuple(float(value) for value in first.ravel())
    return values if beside is None or all(value == beside for value in values) else None


def _samples(inside: Array) -> Array:
    """A few voxels of a window, spread over it."""
    i, j, k = (max(1, (side - 1) // 2) for side in inside.shape[1:])
    return inside[:, ::i, ::j, ::k]


def check_air(model: VolumeModel) -> None:
    """Show the network windows of air of many kinds. Raises SpecError where their logits differ by more than 1e-5: then
    labels would change with what is left out."""
    card = model.card
    if card.air_below is None:
        return
    roi = [side if side > 0 else _SIDE for side in (card.windows.roi if card.windows else (0, 0, 0))]
    noise = np.random.default_rng(0).random((card.channels, *roi), np.float32)
    shown: list[Tensor] = []
    with torch.inference_mode():
        for below in _BELOW:
            for air in (np.full_like(noise, card.air_below - below), np.float32(card.air_below) - below * noise):
                # What rounds to a value above the limit is no air.
                air = np.minimum(air, np.float32(card.air_below))
                shown.append(logits_of(model, torch.from_numpy(air[None]).to(model.device)).clone())
        differ = max(float((logits - shown[0]).abs().max()) for logits in shown)
    if not differ <= _SAME:
        raise SpecError(
            f"air_below is {card.air_below:g}, but the network tells windows of such values apart: logits differ by "
            f"{differ:.2g}, more than {_SAME:g}. Leave air_below out; windows of one value are shown once in any case"
        )
