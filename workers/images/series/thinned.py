"""Series of which every second slice, or every third, is all that is there."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workers.images.series.facts import SliceFacts
from workers.images.series.line import Line

BETWEEN = "SpacingBetweenSlices"
_EXACT = 0.02
_FEWEST = 2
_LEAST_MM = 1e-3


def with_what_was_left_out(line: Line, slices: Sequence[SliceFacts]) -> Line:
    """The line by the distance of slices that the headers say, where slices were left out at equal distances.

    Places alone cannot tell. It is believed only where two attributes say the same: places are so many times
    SpacingBetweenSlices apart (within 2 %), and so many instance numbers. The first alone is written by some scanners
    for the gap between slices, the second alone counts the slices of several volumes.
    """
    said = {facts.extra.get(BETWEEN) for facts in slices}
    between = abs(said.pop() or 0.0) if len(said) == 1 else 0.0
    numbers = [facts.instance_number for facts in slices]
    if not _LEAST_MM <= between < line.step or any(number is None for number in numbers):
        return line
    times = round(line.step / between)
    if times < _FEWEST or abs(line.step - times * between) > _EXACT * line.step:
        return line
    steps = np.diff(np.array(numbers, float))
    if not any(np.array_equal(steps, sign * times * np.diff(line.indices)) for sign in (1, -1)):
        return line
    return replace(line, indices=line.indices * times, step=line.step / times)
