"""The mapping rules of FHIR: what they may say, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from workers.ehr.meds.rules import EventRule, Rules


class Event(EventRule):
    """One event. `rules.yaml` says what each key means."""

    attachment: str | None = None
    each: str | None = None

    @model_validator(mode="after")
    def _items_need_a_list(self) -> Event:
        if self.each is None and any(path.lstrip("$").startswith(".") for path in self.paths()):
            raise ValueError("a path that begins with a dot needs `each`: it starts at an item of that list")
        if self.text is not None and self.attachment is not None:
            raise ValueError("give text or attachment, not both: an event has one text")
        return self

    def paths(self) -> tuple[str, ...]:
        """Every path that it names, those of codes with their `$`."""
        codes = tuple(path for part in self.code for path in part.split("|"))
        return codes + self.time + tuple(path for path in (self.value, self.text, self.attachment) if path)


class OneOf(Rules):
    """Only the first of these that gives an event counts; with `each`: for each item."""

    one_of: tuple[Event, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _of_one_list(self) -> OneOf:
        if len({event.each for event in self.one_of}) > 1:
            raise ValueError("the events of one_of go over one and the same `each`, or all over none")
        return self


class Resource(Rules):
    """How one type of resource is mapped."""

    subject: tuple[str, ...] = Field(min_length=1)
    unless: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    events: tuple[OneOf | Event, ...] = Field(min_length=1)


class FhirRules(Rules):
    """All of them. `systems` are short names of code systems by their uri."""

    systems: Mapping[str, str] = Field(default_factory=dict)
    resources: Mapping[str, Resource]
