"""Molecules are read ahead within the budget, whatever a shard holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest
from numpy.typing import NDArray

from schemas.outputs import OutputField
from tests.support.record_job import TableJob, scored
from workers.children.inline_pool import InlinePool
from workers.molecules import reader as reading
from workers.molecules.contract import Wanted
from workers.molecules.planning import CANONICAL, INCHIKEY, SMILES
from workers.molecules.reader import ModelView, MoleculeReader
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.holding import HeldScoring

CARBONS = {"properties": ["heavy_atoms"]}


class First:
    outputs = (OutputField(name="atoms", type="float64", meaning="heavy atoms"),)

    def score(self, values: Sequence[NDArray[float]]) -> Mapping[str, Sequence[float]]:
        return {"atoms": [float(value[0]) for value in values]}


def test_shards_much_larger_than_the_budget_are_scored_and_their_numbers_count_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 4)
    smiles = ["C" * (1 + row % 9) if row % 10 else "not a molecule" for row in range(60)]
    columns = {"record_id": [str(row) for row in range(60)], SMILES: smiles}
    table = pa.table({**columns, "fault": pa.nulls(60, pa.string()), "fault_detail": pa.nulls(60, pa.string())})
    pool = InlinePool(
        "workers.molecules.handler:build", {"standardize": [], "max_atoms": 2000, "wants": [CARBONS]}, threads=2
    )
    budget = ByteBudget(10)
    reader = MoleculeReader(pool, [ModelView(Wanted(CARBONS), "given")], budget, depth=3)
    job = TableJob(reader, HeldScoring({"m": First()}, "cpu"), [table, table.slice(0, 30)], [CANONICAL, INCHIKEY])
    found = scored(job, budget)
    wanted = [float(len(text)) if row % 10 else None for row, text in enumerate(smiles)]
    assert (found[0]["m"]["atoms"], found[1]["m"]["atoms"]) == (wanted, wanted[:30])
    assert budget.peak >= 54 * 8
    assert budget.held == 0
