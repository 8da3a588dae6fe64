"""Where steps that only turn, cut and enlarge a grid take its indices."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from workers.images.volumes.volume import Shape3, StepBack


@dataclass(frozen=True)
class AxisMap:
    """Index `sign * index[source] + offset` of an axis after the steps; what lies outside `low` to before `high` of it
    was cut away on the way."""

    source: int
    sign: int = 1
    offset: int = 0
    low: float = -inf
    high: float = inf

    def turned(self, side: int) -> "AxisMap":
        """Flipped, among `side` voxels."""
        last = side - 1
        return AxisMap(self.source, -self.sign, last - self.offset, side - self.high, side - self.low)

    def moved(self, by: int) -> "AxisMap":
        """With indices larger by `by`."""
        return AxisMap(self.source, self.sign, self.offset + by, self.low + by, self.high + by)

    def cut(self, side: int) -> "AxisMap":
        """Nothing but indices 0 to before `side` is left."""
        return AxisMap(self.source, self.sign, self.offset, max(self.low, 0), min(self.high, side))


Maps = tuple[AxisMap, AxisMap, AxisMap]


def follow(steps: Sequence[StepBack], last: Shape3) -> Maps:
    """The axes after `steps`, none of which resamples, by those before; `last` is the shape after them."""
    maps: Maps = (AxisMap(0), AxisMap(1), AxisMap(2))
    shapes = [*(step.before.shape for step in steps), last]
    for step, after in zip(steps, shapes[1:], strict=True):
        maps = _followed(maps, step, after)
    return maps


def _followed(maps: Maps, step: StepBack, after: Shape3) -> Maps:
    settings: dict[str, Any] = step.settings
    if step.kind == "orient":
        turned = [maps[axis] for axis in settings["order"]]
        i, j, k = (
            one.turned(side) if flip else one for one, flip, side in zip(turned, settings["flips"], after, strict=True)
        )
    elif step.kind == "crop":
        i, j, k = (one.moved(-first).cut(side) for one, first, side in zip(maps, settings["start"], after, strict=True))
    elif step.kind == "pad":
        i, j, k = (one.moved(first) for one, first in zip(maps, settings["start"], strict=True))
    else:
        raise ValueError(f"no inverse is known of a step of kind {step.kind!r}")
    return i, j, k
