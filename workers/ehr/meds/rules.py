"""What mapping rules of every format have in common: `rules.yaml` of each says what its keys mean."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

Profile = Literal["wardround", "meds_etl", "clmbr"]
"""Whose codes are written: our own (`LAB//LOINC/2160-0//mg/dL`), those of data from meds_etl, of CLMBR's vocabulary."""

NO_CODE_IN_PROFILE = "input.codes has no code for it"
"""Why something gives no event that would give one with our own codes."""


class Rules(Frozen):
    """A part of a file of rules; a key that is not known is refused."""


class EventRule(Rules):
    """How one event is made. `code` are its parts, each with alternatives behind `|`; of `time` the first counts."""

    code: tuple[str, ...] = Field(min_length=1)
    time: tuple[str, ...] = ()
    value: str | None = None
    text: str | None = None
