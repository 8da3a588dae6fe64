"""What an ACES file says: predicates, a trigger, windows. Checked as far as it can be without data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from workers.ehr.aces.bounds import Bound, parse_end, parse_start

Range = tuple[int | None, int | None]
"""Least and greatest number of events, both inclusive; None: no limit."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CodePattern(_Part):
    """Codes by a regular expression (of Rust's crate `regex`, found anywhere in the code), or a list of them."""

    regex: str | None = Field(default=None, min_length=1)
    any: Sequence[str] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> CodePattern:
        if (self.regex is None) == (self.any is None):
            raise ValueError("give either regex or any")
        return self


class PlainPredicate(_Part):
    """Events with one of these codes, a value in these bounds, and these values in other columns.

    A bound is exclusive unless its `_inclusive` says otherwise; an event without a value is in no bounds.
    `static`: a fact about the subject, found among events without a time; subjects without it are left out.
    """

    code: str | CodePattern
    value_min: float | None = None
    value_max: float | None = None
    value_min_inclusive: bool | None = None
    value_max_inclusive: bool | None = None
    static: bool = False
    other_cols: Mapping[str, str | int | float | bool] = Field(default_factory=dict)

    @property
    def is_code_only(self) -> bool:
        """Whether the code alone decides."""
        return self.value_min is None and self.value_max is None and not self.other_cols


class DerivedPredicate(_Part):
    """Times at which all (`and`) or any (`or`) of some other predicates hold. It holds once a time."""

    expr: str
    static: bool | Sequence[str] = False

    @model_validator(mode="after")
    def _can_be_read(self) -> DerivedPredicate:
        if re.fullmatch(r"(?:and|or)\([\w\s]+(?:,[\w\s]+)+\)", self.expr) is None:
            raise ValueError(f"{self.expr!r} is not and(a, b, ...) or or(a, b, ...) of two or more names; no nesting")
        return self

    @property
    def is_and(self) -> bool:
        """Whether all inputs have to hold."""
        return self.expr.startswith("and(")

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the predicates that it is made of."""
        return tuple(name.strip() for name in self.expr[self.expr.index("(") + 1 : -1].split(","))


Predicate = PlainPredicate | DerivedPredicate


class Window(_Part):
    """A stretch of time. One end refers to the other; the other end to the trigger or to an end of another window.

    `has` are numbers of events that it has to hold, as `(min, max)`; `label` counts a predicate in it: the label is
    whether there is any. `index_timestamp` says which end is the time of prediction.
    """

    start: str | None
    end: str | None
    start_inclusive: bool
    end_inclusive: bool
    has: Mapping[str, str] = Field(default_factory=dict)
    label: str | None = Field(default=None, min_length=1)
    index_timestamp: Literal["start", "end"] | None = None

    @field_validator("has", mode="before")
    @classmethod
    def _quoted(cls, value: object) -> object:
        if isinstance(value, Mapping) and not all(isinstance(text, str) for text in value.values()):
            raise ValueError('write ranges in quotes, "(1, None)": between braces YAML parts them at the comma')
        return value

    @field_validator("has")
    @classmethod
    def _ranges(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            try:
                parse_range(text)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return value

    @model_validator(mode="after")
    def _one_end_refers_to_the_other(self) -> Window:
        start, end = parse_start(self.start), parse_end(self.end)
        if (start.reference == "end") == (end.reference == "start"):
            raise ValueError("exactly one of start and end has to refer to the other one")
        own = self.own
        if not own.is_same and own.forward != (self.own_side == "end"):
            raise ValueError(f"start {self.start!r} does not come before end {self.end!r}")
        return self

    @property
    def own_side(self) -> Literal["start", "end"]:
        """The end that is found from the other one."""
        return "start" if parse_start(self.start).reference == "end" else "end"

    @property
    def own(self) -> Bound:
        """Where that end lies."""
        return parse_start(self.start) if self.own_side == "start" else parse_end(self.end)

    @property
    def root(self) -> Bound:
        """Where the other end lies, seen from outside."""
        return parse_end(self.end) if self.own_side == "start" else parse_start(self.start)

    @property
    def ranges(self) -> dict[str, Range]:
        """`has`, understood."""
        return {name: parse_range(text) for name, text in self.has.items()}


def parse_range(text: str) -> Range:
    """`(1, None)`, `(None, 0)`. Raises ValueError."""
    parts = [part.strip() for part in text.strip().strip("()").split(",")]
    if len(parts) != 2 or not all(re.fullmatch(r"[-+]?\d+|None|", part) for part in parts):
        raise ValueError(f"{text!r} is not (min, max), of whole numbers or None")
    low, high = (None if part in ("None", "") else int(part) for part in parts)
    if low is None and high is None:
        raise ValueError(f"{text!r} limits nothing")
    if low is not None and high is not None and high < low:
        raise ValueError(f"{text!r}: no number lies between {low} and {high}")
    return low, high


@dataclass(frozen=True)
class Config:
    """The parts of an ACES file that its windows use; demographics are among the predicates, as static ones."""

    predicates: Mapping[str, Predicate]
    trigger: str
    windows: Mapping[str, Window]

    @property
    def static(self) -> tuple[str, ...]:
        """Predicates that every subject has to satisfy."""
        return tuple(name for name, predicate in self.predicates.items() if predicate.static)
