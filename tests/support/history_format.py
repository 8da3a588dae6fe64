"""A model format on events without weights: it says what it was given, for a test to hold against the source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.contract import ModelCard, Placement
from workers.ehr.events.contract import STATIC, EventFormat, Histories

OUTPUTS = (
    OutputField(name="total", type="float64", meaning="sum of all values of the history"),
    OutputField(name="codes", type="int64", meaning="sum over events of the length of the code"),
    OutputField(name="ages", type="float64", meaning="days from each event to the prediction, summed"),
)


@dataclass(frozen=True)
class Sums:
    """One row a record, one column an output."""

    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nbytes(self) -> int:
        return int(self.values.nbytes)

    @property
    def refused(self) -> Mapping[int, Any]:
        return {}


class Encoder:
    def encode(self, histories: Histories) -> Sums:
        lengths = np.array([len(name) for name in histories.code_names])[histories.code]
        counts = np.diff(histories.offsets)
        ages = np.repeat(histories.prediction_time, counts) - histories.time
        ages = np.where(histories.time == STATIC, 0, ages / 86_400e6)
        columns = [np.nan_to_num(histories.value), lengths, ages]
        sums = [np.add.reduceat(np.append(column, 0.0), histories.offsets[:-1]) for column in columns]
        return Sums(np.stack(sums, axis=1))


class Scorer:
    outputs = OUTPUTS

    def score(self, parts: Sequence[Any]) -> Mapping[str, Any]:
        values = np.concatenate([part.values for part in parts])
        return {"total": values[:, 0], "codes": values[:, 1].astype(np.int64), "ages": values[:, 2]}


def write_model(directory: Path) -> Path:
    """A model directory of this format."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "history.json").write_text(json.dumps({}))
    return directory


class HistoryFormat:
    """An event format for tests, with an encoder and a scorer of its own."""

    looks_for = "history.json"

    def recognises(self, directory: Path) -> bool:
        return (directory / "history.json").exists()

    def describe(self, directory: Path) -> ModelCard:
        return ModelCard("history", OUTPUTS)

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> Encoder:
        return Encoder()

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        return Scorer()


FORMAT: EventFormat = HistoryFormat()
