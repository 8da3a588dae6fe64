"""What rows come to without the rows: numbers by interval, texts by value, each of which can be added to another's.

Every shard object has the figures of its own rows in its footer, and a run's are the sum of its shards', exactly: what
two sums have in common does not depend on how the rows were cut. None of it grows with the number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

FIGURES_KEY = "wardround.figures"
"""Parquet metadata of a shard object: the JSON of `Figures`."""

BINS = 128
"""Intervals of a histogram, at most; as soon as more than half of them are needed to reach from end to end."""
MOST_VALUES = 64
"""Different values of a column that is counted by value; one with more tells records apart and is not counted."""
MOST_ITEMS = 32
"""Numbers of a list that are counted place by place."""
LONGEST_VALUE = 100
"""Characters of such a value; a column of longer ones holds prose."""
FEWEST_RECORDS = 5
"""Records of a value that is named outside of the rows; so few are hidden where counts of patients are published."""
SEVERAL = "*"
"""Instead of the digest of a subject: there are several."""
_MANTISSA = 24
_SMALLEST = -1074

Counts = Mapping[str, int]
"""Records by status."""


def _as_numbers(value: Any) -> Any:
    return tuple(int(part) for part in value.split()) if isinstance(value, str) else value


def _as_words(value: Sequence[int]) -> str:
    return " ".join(str(part) for part in value)


class _Figures(BaseModel):
    """Not `extra=forbid`: a newer version may count more."""

    model_config = ConfigDict(frozen=True)


class Numbers(_Figures):
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


class Items(_Figures):
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


class Group(_Figures):
    """The records of one value of a column: by status, in all and in each of several models.

    `subject` is the digest of the one subject that they are of, empty where no subject is known, or `SEVERAL`.
    """

    value: str | None
    subject: str = ""
    statuses: Mapping[str, Counts]
    """By model; "" is the record itself."""

    @property
    def records(self) -> int:
        """Number of records, of any status."""
        return sum(self.statuses[""].values())

    @property
    def is_shared(self) -> bool:
        """Whether enough records of different subjects have this value, so that it names none of them."""
        return self.records >= FEWEST_RECORDS and self.subject in ("", SEVERAL)

    def added(self, other: Group) -> Group:
        """Both together, of one value."""
        subject = self.subject if self.subject == other.subject else SEVERAL
        return Group(value=self.value, subject=subject, statuses=add_by_model([self.statuses, other.statuses]))


class Groups(_Figures):
    """A column by its values. `too_many`: it has more than `MOST_VALUES`, or longer ones, and is not counted."""

    too_many: bool = False
    groups: tuple[Group, ...] = ()
    unnamed: int = 0
    """Values that are too rare to be named where no row is shown."""
    rest: Mapping[str, Counts] = Field(default_factory=dict)
    """Records of those, by model and status."""

    def anonymous(self) -> Groups:
        """Without the values that might tell who somebody is: of few records, or of a single subject's."""
        named = [group for group in self.groups if group.value is None or group.is_shared]
        rest = [group.statuses for group in self.groups if not (group.value is None or group.is_shared)]
        return Groups(
            too_many=self.too_many,
            groups=tuple(group.model_copy(update={"subject": ""}) for group in named),
            unnamed=len(rest),
            rest=add_by_model(rest),
        )

    def added(self, other: Groups) -> Groups:
        """Both together, in the order of their values."""
        if self.too_many or other.too_many:
            return Groups(too_many=True)
        found = {group.value: group for group in self.groups}
        for group in other.groups:
            found[group.value] = found[group.value].added(group) if group.value in found else group
        if len(found) > MOST_VALUES:
            return Groups(too_many=True)
        return Groups(groups=tuple(sorted(found.values(), key=lambda group: (group.value is None, group.value or ""))))


class Figures(_Figures):
    """What the rows of a shard, or of a run, come to. `outputs`, `vectors` and `labels` are by column of the rows."""

    models: Mapping[str, Counts] = Field(default_factory=dict)
    """By status in each of several models."""
    outputs: Mapping[str, Numbers] = Field(default_factory=dict)
    """Columns of numbers, and lists of anything else by how many items a record has."""
    vectors: Mapping[str, Items] = Field(default_factory=dict)
    """Columns of lists of numbers, such as the scores of a network without named labels."""
    labels: Mapping[str, Groups] = Field(default_factory=dict)
    """Columns of words, and of true and false."""
    carried: Mapping[str, Groups] = Field(default_factory=dict)
    reasons: Groups = Groups()
    """Records that were not scored, or with a remark, by what their `detail` says."""

    def added(self, other: Figures) -> Figures:
        """The figures of both together."""
        return Figures(
            models=add_by_model([self.models, other.models]),
            outputs=_joined(self.outputs, other.outputs),
            vectors=_joined(self.vectors, other.vectors),
            labels=_joined(self.labels, other.labels),
            carried=_joined(self.carried, other.carried),
            reasons=self.reasons.added(other.reasons),
        )

    def anonymous(self) -> Figures:
        """As they may stand in records of a run, which name no patient: without rare values of columns."""
        return self.model_copy(
            update={
                "labels": {name: groups.anonymous() for name, groups in self.labels.items()},
                "carried": {name: groups.anonymous() for name, groups in self.carried.items()},
            }
        )


def _joined(some: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys([*some, *others])
    return {
        name: some[name].added(others[name]) if name in some and name in others else (some.get(name) or others[name])
        for name in names
    }


def add_counts(counts: Iterable[Counts | None]) -> dict[str, int]:
    """Sum of several counts by status, largest first."""
    total: dict[str, int] = {}
    for part in counts:
        for name, count in (part or {}).items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def add_by_model(parts: Iterable[Mapping[str, Counts]]) -> dict[str, dict[str, int]]:
    """The same by model, in the order in which models come up."""
    total: dict[str, list[Counts]] = {}
    for part in parts:
        for model, counts in part.items():
            total.setdefault(model, []).append(counts)
    return {model: add_counts(counts) for model, counts in total.items()}
