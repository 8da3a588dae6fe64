"""How a model on events is made from histories. Imports no torch."""

from pydantic import Field

from schemas.frozen import Frozen


class VocabularySettings(Frozen):
    """Which codes get an index of their own."""

    min_subjects: int = Field(
        default=5, ge=1, description="training subjects that have a code at least; rarer ones are unknown to the model"
    )
    max_codes: int | None = Field(
        default=None, ge=1, le=100_000_000, description="the most codes, those that most training subjects have"
    )
