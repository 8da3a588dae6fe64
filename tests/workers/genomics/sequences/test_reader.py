"""Windows are read ahead within the budget, whatever a shard holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.outputs import OutputField
from schemas.status import Fault, Status
from tests.support.record_job import TableJob, scored
from workers.contract import Encoded
from workers.genomics.sequences import reader as reading
from workers.genomics.sequences.contract import Scores
from workers.genomics.sequences.outputs import ColumnScorer
from workers.genomics.sequences.reader import ModelView, SequenceReader
from workers.genomics.sequences.regions import Region, View
from workers.genomics.sequences.steps import Preparation, SequenceWindow
from workers.genomics.sequences.windows import VariantWindow
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.holding import HeldScoring


class Table:
    """Sequences that stand in the plan; a blank one is not there."""

    def fetch(self, rows: Sequence[Mapping[str, Any]]) -> list[Region | Fault]:
        return [
            Region(np.frombuffer(row["bases"].encode(), np.uint8))
            if row["bases"]
            else Fault(Status.EMPTY, "there is no sequence")
            for row in rows
        ]

    def close(self) -> None:
        return


class Whole:
    def encode(self, windows: Sequence[VariantWindow]) -> list[Encoded]:
        return [Encoded(window, 1000) for window in windows]


class Lengths:
    outputs = (OutputField(name="length", type="float32", meaning="length"),)

    def score(self, values: Sequence[VariantWindow]) -> tuple[Scores, Scores | None]:
        return np.array([[len(window.bases)] for window in values], np.float32), None


def test_shards_much_larger_than_the_budget_are_scored_and_their_windows_count_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 5)
    bases = ["ACGT" * (row % 7) for row in range(200)]
    table = pa.table({"record_id": [str(row) for row in range(200)], "bases": bases})
    budget = ByteBudget(100)
    model = ModelView(View(Preparation(SequenceWindow(), False), "dna", None), Whole)
    reader = SequenceReader(Table(), ["bases"], [model], budget)
    found = scored(
        TableJob(reader, HeldScoring({"m": ColumnScorer(Lengths(), False)}, "cpu"), [table.slice(0, 150), table]),
        budget,
    )
    wanted = [float(len(text)) or None for text in bases]
    assert found[0]["m"]["length"] == wanted[:150]
    assert found[1]["m"]["length"] == wanted
    held = 1000 * sum(bool(text) for text in bases)
    assert held <= budget.peak < held + 3 * 5 * 1000
    assert budget.held == 0
