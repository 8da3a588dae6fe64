"""What mapping rules of every format have in common: `rules.yaml` of each says what its keys mean."""

from pydantic import Field

from schemas.frozen import Frozen


class Rules(Frozen):
    """A part of a file of rules; a key that is not known is refused."""


class EventRule(Rules):
    """How one event is made. `code` are its parts, each with alternatives behind `|`; of `time` the first counts."""

    code: tuple[str, ...] = Field(min_length=1)
    time: tuple[str, ...] = ()
    value: str | None = None
    text: str | None = None
