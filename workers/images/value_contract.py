"""Which values a network was made for, and whether an image has such values: the contract between image and model.

What an image has after its steps is known: `value_range` is that of its stored type, taken through every step. What a
network takes is told, in this order, by

1. the model directory: `value_range` of a native or ONNX card, 8 bit for a Hugging Face processor and a text detector;
2. the directory's own steps, where the last of them that sets a range is followed by arithmetic only; a `rescale`, or
   the `scale` of a `standardise`, by 1/255 and the like says what goes into it;
3. the steps of the spec in the same way, where the directory lists none.

Where none of them says anything nothing can be held against it, and doctor, plan and report say so.
"""

import math
from collections.abc import Sequence

from schemas.errors import SpecError
from workers.contract import Affine, ModelCard
from workers.images.prepare.affine import range_before
from workers.images.prepare.image import ANY, Range, Step
from workers.images.prepare.rescale import Rescale
from workers.images.prepare.standardise import Standardise
from workers.images.steps import parse_steps

EIGHT_BITS: Range = (0.0, 255.0)

_TOLERANCE = 0.02
"""Share of the width: 1/256 is as good as 1/255."""
_FULL_SCALE = {1 / 255: 8, 1 / 256: 8, 2 / 255: 8, 1 / 128: 8, 1 / 1023: 10, 1 / 4095: 12, 1 / 16383: 14, 1 / 65535: 16}
_FULL_SCALE[1 / 65536] = 16
"""Factors that speak of values of so many bits. 1/1024 and 1/4096 do not: they are used on Hounsfield units too."""
_SAME_FACTOR = 1e-4
UNSTATED = (
    "nothing says which values it takes, so images of any bit depth are scored as they are: end `prepare` with steps "
    "that set a range (`to_uint8`, `window`, `min_max`), or write `value_range: [low, high]` into its card"
)


def stated_range(steps: Sequence[Step], before: Range | None = None) -> Range | None:
    """The range that these steps lead to, whatever the image; None where they do not say, ANY where none is meant.

    `before` is what is known to go into the first of them.
    """
    value_range = before
    for step in steps:
        if value_range is None and isinstance(step, Rescale | Standardise):
            value_range = range_spoken_of(step.affine().scale)
        value_range = step.stated_range(value_range)
    return value_range


def range_spoken_of(factor: float) -> Range | None:
    """The values before a multiplication by such a factor: 0 to 255 for 1/255 and so on; None where it tells none."""
    for known, bits in _FULL_SCALE.items():
        if math.isclose(factor, known, rel_tol=_SAME_FACTOR):
            return 0.0, float(2**bits - 1)
    return None


def expected_range(card: ModelCard, steps: Sequence[Step]) -> Range | None:
    """What the network takes after `steps`, the run's; None where nothing says it."""
    if card.value_range is not None:
        return card.value_range
    own = _own_steps(card)
    return stated_range(own) if own else stated_range(steps)


def _own_steps(card: ModelCard) -> Sequence[Step]:
    try:
        return parse_steps(list(card.prepare))
    except SpecError:
        # Steps of the spec stand in for them.
        return ()


class ValueContract:
    """What one model takes, as it is before the last steps, which are left to the device. `expected` is after them."""

    def __init__(self, expected: Range | None, affine: Affine | None) -> None:
        told = expected is not None and expected != ANY
        self.wanted = range_before(affine or Affine(), expected) if told and expected is not None else None

    def problem(self, found: Range) -> str:
        """Why an image whose values have this range is out of contract, and which step mends it; empty if it is not."""
        if self.wanted is None or _alike(found, self.wanted):
            return ""
        low, high = self.wanted
        known = math.isfinite(found[0]) and math.isfinite(found[1])
        mends = "`to_uint8`" if _alike(self.wanted, EIGHT_BITS) else f"`min_max` or `window` to [{low:g}, {high:g}]"
        if known:
            has, how = f"its values are of the range {found[0]:g} to {found[1]:g}", f"{mends}, of DICOM after `voi`,"
        else:
            has, how = "its values are numbers of no known range", f"`value_range`, where it is known, and {mends}"
        return f"{has}, the model takes {low:g} to {high:g}: put {how} before the model's steps"


def _alike(found: Range, wanted: Range) -> bool:
    return max(abs(found[0] - wanted[0]), abs(found[1] - wanted[1])) <= _TOLERANCE * (wanted[1] - wanted[0])
