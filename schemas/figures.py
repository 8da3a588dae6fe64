"""What rows come to without the rows: numbers by interval, texts by value, each of which can be added to another's.

Every shard object has the figures of its own rows in its footer, and a run's are the sum of its shards', exactly: what
two sums have in common does not depend on how the rows were cut. None of it grows with the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from schemas.numbers import Counted, Items, Numbers

FIGURES_KEY = "wardround.figures"
"""Parquet metadata of a shard object: the JSON of `Figures`."""

MOST_VALUES = 64
"""Different values of a column that is counted by value; one with more tells records apart and is not counted."""
LONGEST_VALUE = 100
"""Characters of such a value; a column of longer ones holds prose."""
FEWEST_RECORDS = 5
"""Records of a value that is named outside of the rows; so few are hidden where counts of patients are published."""
MOST_SPLIT = 8
"""Values of a carried column by which scores are told apart, and columns of scores that are."""
SEVERAL = "*"
"""Instead of the digest of a subject: there are several."""

Counts = Mapping[str, int]
"""Records by status."""


class Group(Counted):
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


class Groups(Counted):
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


class Part(Counted):
    """What the models said of the records of one value of a carried column; as in `Figures`."""

    value: str
    outputs: Mapping[str, Numbers] = Field(default_factory=dict)
    vectors: Mapping[str, Items] = Field(default_factory=dict)

    def added(self, other: Part) -> Part:
        """Both together, of one value."""
        return Part(
            value=self.value,
            outputs=_joined(self.outputs, other.outputs),
            vectors=_joined(self.vectors, other.vectors),
        )


class Parts(Counted):
    """Scores by the values of a carried column. `too_many`: it has more than `MOST_SPLIT`, and is not split."""

    too_many: bool = False
    parts: tuple[Part, ...] = ()

    def added(self, other: Parts) -> Parts:
        """Both together, in the order of their values."""
        if self.too_many or other.too_many:
            return Parts(too_many=True)
        found = _joined({part.value: part for part in self.parts}, {part.value: part for part in other.parts})
        if len(found) > MOST_SPLIT:
            return Parts(too_many=True)
        return Parts(parts=tuple(found[value] for value in sorted(found)))

    def named(self, groups: Groups) -> Parts:
        """Those whose value these have."""
        values = {group.value for group in groups.groups}
        return self.model_copy(update={"parts": tuple(part for part in self.parts if part.value in values)})


class Figures(Counted):
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
    by_value: Mapping[str, Parts] | None = None
    """Scores by what was carried; None where an older version counted, which did not tell them apart."""
    reasons: Groups = Groups()
    """Records that were not scored, or with a remark, by what their `detail` says."""

    def added(self, other: Figures) -> Figures:
        """The figures of both together."""
        split = None if self.by_value is None or other.by_value is None else _joined(self.by_value, other.by_value)
        return Figures(
            models=add_by_model([self.models, other.models]),
            outputs=_joined(self.outputs, other.outputs),
            vectors=_joined(self.vectors, other.vectors),
            labels=_joined(self.labels, other.labels),
            carried=_joined(self.carried, other.carried),
            by_value=split,
            reasons=self.reasons.added(other.reasons),
        )

    def anonymous(self) -> Figures:
        """As they may stand in records of a run, which name no patient: without rare values of columns."""
        carried = {name: groups.anonymous() for name, groups in self.carried.items()}
        split = None
        if self.by_value is not None:
            split = {name: parts.named(carried[name]) for name, parts in self.by_value.items()}
        return self.model_copy(
            update={
                "labels": {name: groups.anonymous() for name, groups in self.labels.items()},
                "carried": carried,
                "by_value": split,
            }
        )


NO_ROWS = Figures(by_value={})
"""To add to."""


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
