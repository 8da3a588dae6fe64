"""The mapping rules of OMOP: what they may say."""

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import Field, model_validator

from workers.ehr.meds.rules import EventRule, Rules


class Event(EventRule):
    """One event. `rules.yaml` says what each key means."""

    end: tuple[str, ...] = ()
    unit: str | None = None
    low: str | None = None
    high: str | None = None

    def columns(self) -> Iterator[str]:
        """Every column that it names."""
        for part in self.code:
            yield from (name[1:].removesuffix(".code") for name in part.split("|") if name.startswith("$"))
        for name in (*self.time, *self.end):
            yield from name.split("/")
        for part in self.unit.split("|") if self.unit else ():
            yield part.removeprefix("$").removesuffix(".code")
        yield from (column_of(name) for name in (self.value, self.text, self.low, self.high) if name)


def column_of(name: str) -> str:
    """The column of `column`, `column?` and `column@table?`."""
    return name.rstrip("?").partition("@")[0]


class OneOf(Rules):
    """Only the first of these that gives an event counts."""

    one_of: tuple[Event, ...] = Field(min_length=1)


class Table(Rules):
    """How the rows of one table are mapped."""

    subject: str = "person_id"
    visit: str | None = None
    events: tuple[OneOf | Event, ...] = Field(min_length=1)

    def groups(self) -> list[tuple[Event, ...]]:
        """Alternatives, of which each row takes the first that gives an event."""
        return [entry.one_of if isinstance(entry, OneOf) else (entry,) for entry in self.events]

    def columns(self) -> frozenset[str]:
        """Every column that it names."""
        visit = (self.visit,) if self.visit else ()
        return frozenset(
            {self.subject, *visit, *(name for group in self.groups() for one in group for name in one.columns())}
        )


class OmopRules(Rules):
    """All of them. Names of tables are in lower case."""

    reference: tuple[str, ...] = ()
    words: Mapping[str, Mapping[int, str]] = Field(default_factory=dict)
    tables: Mapping[str, Table]

    @model_validator(mode="after")
    def _knows_its_words(self) -> Self:
        for table in self.tables.values():
            for event in (event for group in table.groups() for event in group):
                name = (event.text or "").rstrip("?").partition("@")[2]
                if name and name not in self.words:
                    raise ValueError(f"text {event.text!r} names @{name}, which is no table under `words`")
        return self
