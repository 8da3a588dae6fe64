"""The mapping rules of FHIR: what they may say, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator, model_validator

from workers.ehr.convert_fhir.places import steps_of
from workers.ehr.meds.rules import EventRule, Profile, Rules
from workers.ehr.meds.units import usual_units


class Event(EventRule):
    """One event. `rules.yaml` says what each key means."""

    time: tuple[str, ...] | None = None  # type: ignore[assignment]  # the base has one path, FHIR several
    codes: Mapping[Profile, tuple[str, ...]] = Field(default_factory=dict)
    attachment: str | None = None
    each: str | None = None
    absent: str | None = None
    when: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    unit: str | None = None
    end: str | None = None
    low: str | None = None
    high: str | None = None
    interpretation: str | None = None

    @model_validator(mode="after")
    def _items_need_a_list(self) -> Event:
        if self.each is None and any(path.lstrip("$").startswith(".") for path in self.paths()):
            raise ValueError("a path that begins with a dot needs `each`: it starts at an item of that list")
        if self.text is not None and self.attachment is not None:
            raise ValueError("give text or attachment, not both: an event has one text")
        for path in self.paths():
            if not path.startswith("$") and path in self._literals():
                continue
            steps_of(path.lstrip("$").rstrip("?").partition("@")[0])
        return self

    def _literals(self) -> set[str]:
        parts = [*self.code, *(part for code in self.codes.values() for part in code)]
        return {choice for part in parts for choice in part.split("|") if not choice.startswith("$")}

    def paths(self) -> tuple[str, ...]:
        """Every path that it names, those of codes with their `$`."""
        parts = [*self.code, *(part for code in self.codes.values() for part in code)]
        codes = tuple(path for part in parts for path in part.split("|"))
        others = (self.value, self.text, self.attachment, self.unit, self.end, self.low, self.high, self.interpretation)
        return codes + (self.time or ()) + tuple(path for path in (*others, self.each, self.absent) if path)


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
    time: tuple[str, ...] = ()
    visit: str | None = None
    events: tuple[OneOf | Event, ...] = Field(min_length=1)
    left_out: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class FhirRules(Rules):
    """All of them. `systems` are short names of code systems by their uri."""

    systems: Mapping[str, str] = Field(default_factory=dict)
    prefer: tuple[str, ...] = ()
    units: Mapping[str, str] = Field(default_factory=usual_units)
    tables: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    unless: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    defines: Mapping[str, str] = Field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    resources: Mapping[str, Resource]

    @field_validator("tables")
    @classmethod
    def _not_the_unit(cls, value: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
        if "unit" in value:
            raise ValueError("has a table `unit`, and `@unit` is the unit of a quantity: call it otherwise")
        return value
