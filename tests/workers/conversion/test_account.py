"""The account of a conversion, computed from outcomes that lie on storage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from cluster.storage import open_store
from jobs.opening import StageRequest, open_stage
from schemas.rows import OutputColumn, stage_columns
from schemas.spec import parse_spec
from tests.support.open_stages import SPEC, context_of
from workers.collection import StagePlan
from workers.conversion.account import AccountStage
from workers.conversion.plans import account_batch, account_plan
from workers.pipeline.frames import encode_frame

COLUMNS = stage_columns("account", ("kind", "string", "what it is"), ("twice", "int64", "twice its row"))


class Counting(AccountStage):
    """Adds a column of its own, and counts what it reads."""

    def more(self, found: pl.DataFrame) -> Mapping[str, Any]:
        return {"twice": found["row"] * 2}


@pytest.fixture
def stage(tmp_path: Path) -> Counting:
    """Records of two parts, in the order of the input: three of x, two of y, and one of x again."""
    store = open_store(str(tmp_path))
    batch = account_batch(
        record_id=[f"f#{n}" for n in range(6)], uri=["f"] * 6, part=list("xxxyyx"), row=[0, 1, 2, 1, 0, 0]
    )
    plan: StagePlan = account_plan(lambda: iter([batch]), COLUMNS, {})
    columns: tuple[OutputColumn, ...] = COLUMNS
    request = StageRequest(plan, parse_spec(SPEC), "", "account", {}, columns)
    context = context_of(open_stage(store, request))
    for part, statuses in (("x", ["ok", "unreadable", "ok"]), ("y", ["missing", "ok"])):
        frame = pl.DataFrame(
            {
                "status": statuses,
                "reason": [f"reason {n} of {part}" for n in range(len(statuses))],
                "kind": [f"{part}{n}" for n in range(len(statuses))],
                "row": list(range(len(statuses))),
            }
        )
        store.put(part, encode_frame(frame, "f"), {})
    return Counting(context, COLUMNS[:1])


def rows(stage: Counting) -> pa.Table:
    return stage.compute(0, stage.context.plan.shard(0)).table


def test_each_record_has_the_outcome_that_lies_at_its_place_in_its_part(stage: Counting) -> None:
    table = rows(stage)
    assert table["record_id"].to_pylist() == [f"f#{n}" for n in range(6)]
    assert table["status"].to_pylist() == ["ok", "unreadable", "ok", "ok", "missing", "ok"]
    assert table["kind"].to_pylist() == ["x0", "x1", "x2", "y1", "y0", "x0"]


def test_what_is_well_has_no_detail_and_what_is_not_says_why(stage: Counting) -> None:
    assert rows(stage)["detail"].to_pylist() == [None, "reason 1 of x", None, None, "reason 0 of y", None]


def test_a_conversion_adds_columns_made_of_the_outcomes(stage: Counting) -> None:
    assert rows(stage)["twice"].to_pylist() == [0, 2, 4, 2, 0, 0]


def test_a_part_is_read_once_for_neighbouring_shards(stage: Counting, tmp_path: Path) -> None:
    stage.outcomes("x", [0])
    (tmp_path / "x").unlink()
    assert stage.outcomes("x", [2, 1])["kind"].to_list() == ["x2", "x1"]
