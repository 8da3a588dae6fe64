"""The mapping rules of OMOP: what they may say."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from workers.ehr.meds.rules import EventRule, Rules


class Event(EventRule):
    """One event. `rules.yaml` says what each key means."""

    def columns(self) -> Iterator[str]:
        """Every column that it names."""
        for part in self.code:
            yield from (name[1:].removesuffix(".code") for name in part.split("|") if name.startswith("$"))
        for name in self.time:
            yield from name.split("/")
        yield from (name.rstrip("?") for name in (self.value, self.text) if name)


class OneOf(Rules):
    """Only the first of these that gives an event counts."""

    one_of: tuple[Event, ...] = Field(min_length=1)


class Table(Rules):
    """How the rows of one table are mapped."""

    subject: str = "person_id"
    events: tuple[OneOf | Event, ...] = Field(min_length=1)

    def groups(self) -> list[tuple[Event, ...]]:
        """Alternatives, of which each row takes the first that gives an event."""
        return [entry.one_of if isinstance(entry, OneOf) else (entry,) for entry in self.events]

    def columns(self) -> frozenset[str]:
        """Every column that it names."""
        return frozenset({self.subject, *(name for group in self.groups() for one in group for name in one.columns())})


class OmopRules(Rules):
    """All of them. Names of tables are in lower case."""

    reference: tuple[str, ...] = ()
    tables: Mapping[str, Table]
