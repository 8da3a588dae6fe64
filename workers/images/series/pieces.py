"""Parts of a series that lie in each other's gaps: one stack that was taken for several."""

from collections.abc import Sequence
from itertools import chain, permutations

import numpy as np
from numpy.typing import NDArray

from workers.images.series.grouping import Part
from workers.images.series.line import fit_line
from workers.images.series.splitting import places
from workers.images.series.stacking import stack_of

_TURNED = 1e-2
_SCALED = 1e-2
REASON = (
    "slices that lie in a row differ in orientation, pixel spacing or frame of reference by more than noise: "
    "no volume has them"
)


def whole_stacks(parts: Sequence[Part]) -> list[tuple[Part, bool]]:
    """The parts of a series, and of each whether it is one that was put together again and is no volume.

    Slices of nearly one orientation and pixel spacing that are one regular stack together, and of which only some are
    regular without those between them, are pieces of it: each would be a volume with every other slice left out.
    """
    found: list[tuple[Part, bool]] = []
    for alike in _alike(parts):
        if len(alike) > 1 and _is_one_stack(alike):
            whole = Part(tuple(chain.from_iterable(part.slices for part in alike)), _shared(alike))
            found.append((whole, True))
        else:
            found += [(part, False) for part in alike]
    return found


def _shared(alike: Sequence[Part]) -> tuple[str, ...]:
    return tuple(label for label in alike[0].labels if all(label in part.labels for part in alike))


def _alike(parts: Sequence[Part]) -> list[list[Part]]:
    groups: list[list[Part]] = []
    for part in parts:
        group = next((group for group in groups if _near(group[0], part)), None)
        if group is None:
            groups.append([part])
        else:
            group.append(part)
    return groups


def _near(one: Part, other: Part) -> bool:
    """Whether only noise of some per mille makes them two."""
    first, second = one.slices[0], other.slices[0]
    if (first.rows, first.columns, first.samples) != (second.rows, second.columns, second.samples):
        return False
    turned = np.abs(np.array(first.orientation, float) - np.array(second.orientation, float))
    scaled = np.abs(np.array(second.pixel_spacing, float) / np.array(first.pixel_spacing, float) - 1)
    return bool(turned.max() <= _TURNED and scaled.max() <= _SCALED)


def _is_one_stack(alike: Sequence[Part]) -> bool:
    whole = stack_of(list(chain.from_iterable(part.slices for part in alike)))
    part_of = {id(facts): number for number, part in enumerate(alike) for facts in part.slices}
    along = _along(whole.along, [part_of[id(facts)] for facts in whole.slices])
    if along is None or not _regular(np.concatenate(along)):
        return False
    return any(
        len(one) > 1 and _regular(one) and one[0] < other[-1] and other[0] < one[-1]
        for one, other in permutations(along, 2)
    )


def _along(where: NDArray[np.float64], part_of: Sequence[int]) -> list[NDArray[np.float64]] | None:
    """The places of each part, each once; None where two parts have one in common."""
    numbers = places(list(where))
    owner: dict[int, int] = {}
    first: dict[int, float] = {}
    for place, part, number in zip(where, part_of, numbers, strict=True):
        if owner.setdefault(number, part) != part:
            return None
        first.setdefault(number, float(place))
    return [
        np.array(sorted(first[number] for number, part in owner.items() if part == one)) for one in sorted(set(part_of))
    ]


def _regular(along: NDArray[np.float64]) -> bool:
    line = fit_line(np.sort(along))
    return line is not None and not line.missing
