"""Which volumes a spec wants, in the manner of MONAI Deploy's DICOMSeriesSelectorOperator. Imports no decoder."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from schemas.frozen import Frozen

Value = str | int | float
Preference = Literal[
    "more slices",
    "fewer slices",
    "thinner",
    "thicker",
    "finer",
    "coarser",
    "lower series number",
    "higher series number",
    "earlier",
    "later",
]


class Condition(Frozen):
    """What one attribute has to be; of several of these, each. Texts are compared without regard to case."""

    equals: Value | None = Field(default=None, description="this text or number; of several values, one of them")
    one_of: tuple[Value, ...] | None = Field(default=None, min_length=1, description="one of these texts or numbers")
    none_of: tuple[Value, ...] | None = Field(default=None, min_length=1, description="none of these")
    has: tuple[Value, ...] | None = Field(
        default=None,
        min_length=1,
        description="all of these are among its values, as ORIGINAL and PRIMARY of ImageType",
    )
    between: tuple[float, float] | None = Field(default=None, description="a number from the first to the second")
    matches: str | None = Field(
        default=None, description="a regular expression that is found in it, without regard to case"
    )

    @field_validator("matches")
    @classmethod
    def _is_an_expression(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _says_something(self) -> "Condition":
        if not self.model_fields_set or all(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("say what it has to be: equals, one_of, none_of, has, between or matches")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between: the first number is larger than the second")
        return self


def _written_out(short: Any) -> Any:
    """A value alone is `equals`, a list of words `one_of`."""
    if isinstance(short, list | tuple):
        if len(short) == 2 and all(isinstance(one, int | float) for one in short):
            pair = f"[{short[0]}, {short[1]}]"
            raise ValueError(f"{pair} may be a range or two values: write between: {pair} or one_of: {pair}")
        return {"one_of": short}
    return short if isinstance(short, dict | Condition) else {"equals": short}


_Short = Value | tuple[Value, ...] | Condition


class SelectionRule(Frozen):
    """One kind of volume that is wanted."""

    name: str = Field(min_length=1, description="its name, for `selected_by`")
    where: dict[str, Annotated[Condition, BeforeValidator(_written_out, json_schema_input_type=_Short)]] = Field(
        default={},
        description="attributes by DICOM keyword or eight hex digits, or `slices`, `spacing_mm`, `tilt_deg`, `plane` "
        "(axial, coronal, sagittal), and what each has to be: a value, a list of words, or equals, one_of, none_of, "
        "has, between, matches",
    )


class Selection(Frozen):
    """Which volumes of each study are scored. A volume that no rule takes is `not_selected`."""

    rules: tuple[SelectionRule, ...] = Field(min_length=1, description="each takes one volume of each study, or all")
    take: Literal["one", "all"] = Field(
        default="one", description="of the volumes of a study that a rule matches, the first by `order`, or all"
    )
    order: tuple[Preference, ...] = Field(
        default=("more slices", "thinner"),
        description="which volume comes first: by the first of these, then by the next; last by its id",
    )

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: tuple[SelectionRule, ...]) -> tuple[SelectionRule, ...]:
        names = [rule.name for rule in rules]
        if len(set(names)) < len(names):
            raise ValueError("two rules have one name")
        return rules

    @property
    def attributes(self) -> tuple[str, ...]:
        """The DICOM attributes that have to be read for it."""
        named = {name for rule in self.rules for name in rule.where if name not in OF_VOLUMES}
        return tuple(sorted(named | set(_ORDERED_BY)))


OF_VOLUMES = ("slices", "spacing_mm", "tilt_deg", "plane")
"""What a rule may ask of the volume, not of a header."""
_ORDERED_BY = ("SeriesNumber",)
