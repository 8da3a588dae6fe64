"""Read waveforms and score them."""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import partial

import numpy as np
import pyarrow as pa

from cluster.storage import fetch_directory, open_store, split
from schemas.status import Status
from toy_plugin.waveforms.settings import WaveformsInput
from toy_plugin.waveforms.threshold import WaveformFormat
from workers.contract import Encoded, Placement
from workers.models.detect import Formats
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.pipeline.reading import Prepared


class WaveformReader:
    """Implements `workers.pipeline.reading.Reader`."""

    def __init__(self, context: StageContext) -> None:
        self.prepare_seconds = 0.0
        self._context = context
        self._most = WaveformsInput.model_validate(context.run.spec.input).max_samples

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """One at a time."""
        for row, uri in enumerate(records["uri"].to_pylist()):
            self._context.budget.wait_below()
            began = time.thread_time()
            prepared = self._prepared(row, uri)
            self._context.budget.add(prepared.nbytes)
            self.prepare_seconds += time.thread_time() - began
            yield [prepared]

    def _prepared(self, row: int, uri: str) -> Prepared:
        folder, name = split(uri)
        try:
            words = open_store(folder, self._context.storage).get(name).decode("ascii").split(",")
            samples = np.array([float(word) for word in words])
        except ValueError:
            return Prepared(row, status=Status.UNREADABLE, detail="not a list of numbers")
        if len(samples) > self._most:
            return Prepared(row, status=Status.TOO_LARGE, detail=f"{len(samples)} samples")
        encoded = Encoded(samples, samples.nbytes)
        return Prepared(row, [encoded] * len(self._context.run.models), nbytes=samples.nbytes)

    def close(self) -> None:
        """Nothing runs."""


def predict(context: StageContext) -> RecordStage:
    """The only stage."""
    return RecordStage(WaveformReader(context), partial(_load, context))


def _load(context: StageContext) -> HeldScoring:
    formats = Formats[WaveformFormat]("waveforms")
    scorers = {}
    for name, record in context.run.models.items():
        directory = fetch_directory(record.uri, context.storage, expected_sha256=record.sha256).path
        kind, card = formats.describe(directory)
        scorers[name] = formats[kind].load(directory, card, Placement("cpu"))
    return HeldScoring(scorers, "cpu")
