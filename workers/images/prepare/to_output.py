"""What steps that lead to a range of their own settings have in common."""

from typing import Self

from pydantic import Field, model_validator

from workers.images.prepare.base import PrepareStep
from workers.images.prepare.image import Range


class ToOutput(PrepareStep):
    """A step whose results lie between `output[0]` and `output[1]`, whatever the image."""

    output: Range = Field(default=(0.0, 1.0), description="low and high end of the result")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.output[0] >= self.output[1]:
            raise ValueError("output must be [low, high] with low below high")
        return self

    def stated_range(self, value_range: Range | None) -> Range:
        return self.output
