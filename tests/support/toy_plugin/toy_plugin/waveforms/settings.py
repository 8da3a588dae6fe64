"""What a spec says of collection `waveforms`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class WaveformsInput(BaseModel):
    """`input:` of a spec: a prefix with files `*.csv`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: Literal["waveforms"]
    uri: str
    max_samples: int = Field(default=100_000, ge=1)


INPUT = WaveformsInput
