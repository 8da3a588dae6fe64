"""The mapping rules of OMOP: what they may say."""

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import Field, model_validator

from workers.ehr.meds.rules import EventRule, Profile, Rules
from workers.ehr.meds.units import usual_units

SUFFIXES = (".code", "@unit")
"""What may stand behind a column in a code: `$column.code`, `$column@unit`."""


def plain_column(choice: str) -> str:
    """The column of `$column`, `$column.code`, `$column@unit`."""
    name = choice.removeprefix("$")
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def columns_of(part: str) -> list[str]:
    """The columns of the alternatives of a part of a code."""
    return [plain_column(choice) for choice in part.split("|") if choice.startswith("$")]


class Event(EventRule):
    """One event. `rules.yaml` says what each key means."""

    codes: Mapping[Profile, tuple[str, ...]] = Field(default_factory=dict)
    end: tuple[str, ...] = ()
    unit: str | None = None
    low: str | None = None
    high: str | None = None
    qualifier: str | None = None
    interpretation: str | None = None
    when: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    def of_code(self) -> Iterator[str]:
        """Every column that its codes, its unit, its qualifier and its interpretation name."""
        parts = [*self.code, *(part for code in self.codes.values() for part in code)]
        for part in (*parts, self.unit, self.qualifier, self.interpretation):
            yield from columns_of(part or "")

    def of_time(self) -> Iterator[str]:
        """Every column that its time and its end name."""
        for name in (*self.time, *self.end):
            yield from name.split("/")

    def of_value(self) -> Iterator[str]:
        """Every column that its number, its text and its bounds name."""
        for name in (self.value, self.text, self.low, self.high):
            yield from texts_of(name)

    def columns(self) -> Iterator[str]:
        """Every column that it names."""
        yield from (*self.of_code(), *self.of_time(), *self.of_value())
        for names in self.when:
            yield from names.split("|")


def texts_of(name: str | None) -> list[str]:
    """The columns of `column`, `column?`, `column@table|other?`."""
    return [one.partition("@")[0] for one in name.rstrip("?").split("|")] if name else []


class OneOf(Rules):
    """Only the first of these that gives an event counts."""

    one_of: tuple[Event, ...] = Field(min_length=1)


class Meaning(Rules):
    """What words mean: whole values, phrases in them (in lower case), and concepts by id with what they are called."""

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    concepts: Mapping[int, str] = Field(default_factory=dict)


class Table(Rules):
    """How the rows of one table are mapped."""

    subject: str = "person_id"
    key: str | None = None
    visit: str | None = None
    unless: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    events: tuple[OneOf | Event, ...] = Field(min_length=1)
    left_out: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    def groups(self) -> list[tuple[Event, ...]]:
        """Alternatives, of which each row takes the first that gives an event."""
        return [entry.one_of if isinstance(entry, OneOf) else (entry,) for entry in self.events]

    def all_events(self) -> Iterator[Event]:
        """Every event, alternatives too."""
        return (event for group in self.groups() for event in group)

    def told(self) -> frozenset[str]:
        """Columns of qualifiers (`a|b`) that are asked for their meaning, and so should have one."""
        events = list(self.all_events())
        asked = {*self.unless, *(names for event in events for names in event.when)}
        return frozenset(asked & {(event.qualifier or "").replace("$", "") for event in events})

    def columns(self) -> frozenset[str]:
        """Every column that it names."""
        single = (self.subject, *(name for name in (self.visit, self.key) if name))
        unless = (name for names in self.unless for name in names.split("|"))
        return frozenset({*single, *unless, *(name for event in self.all_events() for name in event.columns())})


class OmopRules(Rules):
    """All of them. Names of tables are in lower case."""

    reference: tuple[str, ...] = ()
    ignored: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    units: Mapping[str, str] = Field(default_factory=usual_units)
    words: Mapping[str, Mapping[int, str]] = Field(default_factory=dict)
    meanings: Mapping[str, Meaning] = Field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    tables: Mapping[str, Table]

    @model_validator(mode="after")
    def _knows_its_words(self) -> Self:
        for event in (event for table in self.tables.values() for event in table.all_events()):
            for choice in (event.text or "").rstrip("?").split("|"):
                name = choice.partition("@")[2]
                if name and name != COMPARATOR and name not in self.words:
                    raise ValueError(f"text {event.text!r} names @{name}, which is no table under `words`")
        return self

    @model_validator(mode="after")
    def _knows_its_meanings(self) -> Self:
        for name, table in self.tables.items():
            asked = [table.unless, *(event.when for event in table.all_events())]
            for word in (word for one in asked for words in one.values() for word in words):
                if word not in self.meanings:
                    raise ValueError(f"table {name} names {word!r}, which is no entry under `meanings`")
        return self


COMPARATOR = "comparator"
"""`text: column@comparator`: the sign before the number that the column repeats, or all that it says."""
