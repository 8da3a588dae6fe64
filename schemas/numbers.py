"""Columns of numbers without the numbers: histograms that can be added to another's, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

BINS = 128
"""Intervals of a histogram, at most; as soon as more than half of them are needed to reach from end to end."""
MOST_ITEMS = 32
"""Numbers of a list that are counted place by place."""
_MANTISSA = 24
_SMALLEST = -1074


def _as_numbers(value: Any) -> Any:
    return tuple(int(part) for part in value.split()) if isinstance(value, str) else value


def _as_words(value: Sequence[int]) -> str:
    return " ".join(str(part) for part in value)


class Counted(BaseModel):
    """Not `extra=forbid`: a newer version may count more."""

    model_config = ConfigDict(frozen=True)


class Numbers(Counted):
    """A column of numbers: how many there are, and a histogram.

    Interval i is [(first + i) * 2**exponent, (first + i + 1) * 2**exponent). Intervals of one width are cut out of
    those of twice the width, so that adding two histograms is exact and gives that of all values together.
    """

    values: int = 0
    """Finite numbers; null is no value."""
    not_finite: int = 0
    """NaN and infinities, of an output that may have them."""
    sum: float | None = 0.0
    """None where it is beyond what a float64 holds."""
    lowest: float | None = None
    highest: float | None = None
    whole: bool = False
    """They are integers, and so are their quantiles."""
    exponent: int = _SMALLEST
    first: int = 0
    counts: Annotated[tuple[int, ...], BeforeValidator(_as_numbers), PlainSerializer(_as_words)] = ()

    @property
    def mean(self) -> float | None:
        """None of no value, or of a sum that is not known."""
        return self.sum / self.values if self.values and self.sum is not None else None

    @property
    def width(self) -> float:
        """Width of each interval."""
        return math.ldexp(1.0, self.exponent)

    def added(self, other: Numbers) -> Numbers:
        """The figures of both together."""
        if not (self.counts and other.counts):
            some = self if self.counts else other
            return some.model_copy(update={"not_finite": self.not_finite + other.not_finite})
        exponent = max(self.exponent, other.exponent)
        pairs = [one._from(exponent) for one in (self, other)]
        while True:
            first = min(start for start, _ in pairs)
            end = max(start + len(counts) for start, counts in pairs)
            if end - first <= BINS:
                break
            exponent += 1
            pairs = [_halved(start, counts) for start, counts in pairs]
        whole = [0] * (end - first)
        for start, counts in pairs:
            for at, count in enumerate(counts, start - first):
                whole[at] += count
        return Numbers(
            values=self.values + other.values,
            not_finite=self.not_finite + other.not_finite,
            sum=_finite(self.sum, other.sum),
            lowest=min(_known(self.lowest), _known(other.lowest)),
            highest=max(_known(self.highest), _known(other.highest)),
            whole=self.whole and other.whole,
            exponent=exponent,
            first=first,
            counts=tuple(whole),
        )

    def within(self, bins: int) -> Numbers:
        """The same with so many intervals at most."""
        found, exponent = (self.first, self.counts), self.exponent
        while len(found[1]) > bins:
            found, exponent = _halved(*found), exponent + 1
        return self.model_copy(update={"exponent": exponent, "first": found[0], "counts": found[1]})

    def counts_in(self, frame: Numbers) -> tuple[int, ...]:
        """How many are in each interval of `frame`, which these numbers are part of."""
        first, counts = self._from(frame.exponent)
        before = first - frame.first
        return (0,) * before + counts + (0,) * (len(frame.counts) - before - len(counts))

    def _from(self, exponent: int) -> tuple[int, tuple[int, ...]]:
        """First interval and counts, of intervals that wide or wider."""
        found = self.first, self.counts
        for _ in range(exponent - self.exponent):
            found = _halved(*found)
            if len(found[1]) == 1:
                # One interval stays one: what is left is a shift.
                return self.first >> (exponent - self.exponent), found[1]
        return found

    def quantile(self, share: float) -> float | None:
        """The value below which that share of the numbers lies, to within an interval; None of no value."""
        if not self.values or self.lowest is None or self.highest is None:
            return None
        left = share * self.values
        for at, count in enumerate(self.counts, self.first):
            if count and left <= count:
                value = (at + left / count) * self.width
                if self.whole:
                    value = float(min(math.floor(value), int((at + 1) * self.width) - 1))
                return min(max(value, self.lowest), self.highest)
            left -= count
        return self.highest


def _finite(one: float | None, other: float | None) -> float | None:
    total = math.inf if one is None or other is None else one + other
    return total if math.isfinite(total) else None


def _known(value: float | None) -> float:
    assert value is not None
    return value


def _halved(first: int, counts: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """The same in intervals of twice the width."""
    start = first >> 1
    whole = [0] * (((first + len(counts) - 1) >> 1) - start + 1)
    for at, count in enumerate(counts, first):
        whole[(at >> 1) - start] += count
    return start, tuple(whole)


def first_exponent(largest: float, *, whole: bool) -> int:
    """The narrowest intervals for numbers up to this size: what a float32 tells apart, and 1 for `whole` numbers."""
    finest = math.frexp(largest)[1] - _MANTISSA if largest else _SMALLEST
    return max(0 if whole else _SMALLEST, finest)


class Items(Counted):
    """A column of lists of numbers, place by place. `too_many`: some list is longer than `MOST_ITEMS`, as an embedding
    is, and no place is counted."""

    too_many: bool = False
    numbers: tuple[Numbers, ...] = ()

    def added(self, other: Items) -> Items:
        """Both together."""
        if self.too_many or other.too_many:
            return Items(too_many=True)
        pairs = zip_longest(self.numbers, other.numbers, fillvalue=Numbers())
        return Items(numbers=tuple(one.added(more) for one, more in pairs))
