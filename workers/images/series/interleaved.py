"""Volumes that lie between each other: no place comes twice, and yet there are two slices to each."""

from workers.images.series.grouping import Part
from workers.images.series.line import fit_line
from workers.images.series.splitting import TRAITS, by_values
from workers.images.series.stacking import stack_of

_WHOLE = 0.9


def interleaved(part: Part) -> list[Part] | None:
    """The volumes that an echo, a b-value or another trait makes of slices that are none together.

    Only where each of them reaches from one end to the other and has one spacing; else None, since pieces of a series
    with several spacings would look like volumes. Times and acquisitions are not asked: many scanners take every other
    slice first, and half of the slices, with all the others missing, would look like a volume.
    """
    whole = stack_of(part.slices)
    line = fit_line(whole.along)
    if line is not None and not line.missing:
        return None
    length = _WHOLE * float(whole.along[-1] - whole.along[0])
    for trait in (trait for trait in TRAITS if not trait.in_time):
        parts = by_values(part, trait)
        if 1 < len(parts) <= len(part.slices) // 2 and all(_reaches(found, length) for found in parts):
            return parts
    return None


def _reaches(part: Part, length: float) -> bool:
    along = stack_of(part.slices).along
    return len(along) > 2 and float(along[-1] - along[0]) >= length and fit_line(along) is not None
