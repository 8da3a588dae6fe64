"""Bars of a histogram as the report draws them, and what they say in words."""

from dataclasses import dataclass

from schemas.figures import Numbers

MOST_BARS = 32
_HEIGHT = 40
"""Height of the highest bar, in the units of the drawing; a bar is one wide."""


@dataclass(frozen=True)
class Bar:
    """The numbers from `start` up to `end`: how many, and the place and height of their bar."""

    at: int
    start: float
    end: float
    count: int
    height: float


@dataclass(frozen=True)
class Bars:
    """All of them from left to right. `words` is the alternative for who does not see them."""

    bars: tuple[Bar, ...]
    words: str
    height: int = _HEIGHT


def bars_of(name: str, numbers: Numbers) -> Bars | None:
    """The histogram of a score; None where it has no value, or one value only."""
    if numbers.lowest is None or numbers.lowest == numbers.highest:
        return None
    coarse = numbers.within(MOST_BARS)
    highest = max(coarse.counts)
    bars = tuple(
        # What is there shows, however little it is.
        Bar(
            place,
            (coarse.first + place) * coarse.width,
            (coarse.first + place + 1) * coarse.width,
            count,
            max(1.0, _HEIGHT * count / highest) if count else 0.0,
        )
        for place, count in enumerate(coarse.counts)
    )
    most = bars[coarse.counts.index(highest)]
    words = (
        f"Distribution of {name}: {numbers.values:,} numbers from {numbers.lowest:.4g} to {numbers.highest:.4g}, "
        f"most of them, {most.count:,}, from {most.start:.4g} to {most.end:.4g}"
    )
    return Bars(bars, words)
