"""A format of models on waveforms: `threshold.json`, `{"above": 0.5}`, gives the share of samples above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import ModelCard, Placement, Scorer, ScorerFormat
from workers.models.files import read_json

FILE = "threshold.json"
OUTPUTS = (OutputField(name="share", type="float32", meaning="share of the samples above the threshold"),)

WaveformFormat = ScorerFormat[Scorer]


class Settings(BaseModel):
    """`threshold.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    above: float


class Share:
    """Implements `workers.contract.Scorer`."""

    outputs = OUTPUTS

    def __init__(self, above: float) -> None:
        self._above = above

    def score(self, values: Sequence[Any]) -> Mapping[str, Any]:
        """A share for each waveform."""
        return {"share": np.array([np.mean(samples > self._above) for samples in values], np.float32)}


class Threshold:
    """The network that the module describes."""

    looks_for = FILE

    def recognises(self, directory: Path) -> bool:
        """By the file's name."""
        return (directory / FILE).is_file()

    def describe(self, directory: Path) -> ModelCard:
        """Raises SpecError."""
        found = validate(Settings, read_json(directory / FILE), str(directory / FILE))
        return ModelCard("threshold", OUTPUTS, settings=found.model_dump())

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        """There are no weights."""
        return Share(card.settings["above"])


FORMAT: WaveformFormat = Threshold()
