"""Bars of a histogram as the report draws them, and what they say in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.numbers import Numbers

MOST_BARS = 32
_HEIGHT = 40
"""Height of the highest bar, in the units of the drawing; a bar is one wide."""


@dataclass(frozen=True)
class Bar:
    """Place and height of one bar, and what it says of itself."""

    at: int
    height: float
    words: str


@dataclass(frozen=True)
class Bars:
    """Those that are not 0, from left to right. `words` is the alternative for who does not see them."""

    bars: tuple[Bar, ...]
    words: str
    width: int
    height: int = _HEIGHT


def bars_of(name: str, numbers: Numbers, frame: Numbers | None = None) -> Bars | None:
    """The histogram of a score; None where it has no value, or one value only.

    `frame` are the numbers that these are part of: all their parts are drawn from the same end to the same end.
    """
    whole = numbers if frame is None else frame
    if numbers.lowest is None or whole.lowest == whole.highest:
        return None
    coarse = whole.within(MOST_BARS)
    counts = numbers.counts_in(coarse)
    spans = [((coarse.first + at) * coarse.width, (coarse.first + at + 1) * coarse.width) for at in range(len(counts))]
    start, end = spans[counts.index(max(counts))]
    words = (
        f"Distribution of {name}: {numbers.values:,} numbers from {numbers.lowest:.4g} to {numbers.highest:.4g}, "
        f"most of them, {max(counts):,}, from {start:.4g} to {end:.4g}"
    )
    told = [f"{start:.4g} to {end:.4g}: {count:,}" for (start, end), count in zip(spans, counts, strict=True)]
    return drawn(counts, told, words)


def drawn(counts: Sequence[int], told: Sequence[str], words: str) -> Bars:
    """A bar for each count, the highest as high as the drawing. `told`: what each says of itself."""
    highest = max(counts)
    # What is there shows, however little it is.
    return Bars(
        tuple(
            Bar(at, max(1.0, _HEIGHT * count / highest), says)
            for at, (count, says) in enumerate(zip(counts, told, strict=True))
            if count
        ),
        words,
        len(counts),
    )
