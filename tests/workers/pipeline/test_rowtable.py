"""The body of a shard."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import WardroundError
from schemas.outputs import OutputField
from schemas.plan import plan_schema
from schemas.rows import output_columns
from schemas.status import Status
from workers.pipeline.columns import ModelColumns
from workers.pipeline.rowtable import RowLayout, ShardRows, assemble, encode, status_counts

SCORE = OutputField(name="score", type="float32", meaning="probability of it")
SITE = pa.field("site", pa.string())
HEADER = pa.field("PatientID", pa.string())


def records(count: int) -> pa.Table:
    table = pa.table({"record_id": [f"r{i}" for i in range(count)], "subject_id": ["s"] * count, "uri": ["u"] * count})
    for field in list(plan_schema([SITE]))[3:]:
        table = table.append_column(field, pa.array(["x"] * count) if field == SITE else pa.nulls(count, field.type))
    return table.cast(plan_schema([SITE]))


def shard(models: tuple[str, ...], count: int = 3) -> tuple[ShardRows, RowLayout]:
    columns = {name: ModelColumns([SCORE], count) for name in models}
    rows = ShardRows(records(count), columns, [None] * count, [None] * count, {"PatientID": ["p"] * count})
    layout = RowLayout((SITE,), (HEADER,), output_columns({name: [SCORE] for name in models}))
    return rows, layout


def test_a_row_holds_identity_status_carried_columns_and_outputs_in_that_order() -> None:
    rows, layout = shard(("m",))
    rows.models["m"].put([(0, 0), (2, 0)], {"score": np.array([0.5, 0.25], np.float32)})
    rows.reject(1, Status.UNREADABLE, "not an image")
    table = assemble(rows, layout)
    assert table.column_names == ["record_id", "subject_id", "status", "detail", "site", "PatientID", "score"]
    assert table.column("status").to_pylist() == ["ok", "unreadable", "ok"]
    assert table.column("score").to_pylist() == [0.5, None, 0.25]
    assert table.schema.field("score").metadata == {b"meaning": b"probability of it"}


def test_with_several_models_the_record_and_each_model_have_a_status_of_their_own() -> None:
    rows, layout = shard(("a", "b"), 2)
    rows.models["a"].put([(0, 0), (1, 0)], {"score": np.array([0.5, np.nan], np.float32)})
    rows.models["b"].put([(0, 0), (1, 0)], {"score": np.array([1.0, 2.0], np.float32)})
    table = assemble(rows, layout)
    assert table.column("status").to_pylist() == ["ok", "ok"]
    assert table.column("a__status").to_pylist() == ["ok", "invalid_output"]
    assert table.column("b__score").to_pylist() == [1.0, 2.0]


def test_the_encoded_body_carries_its_provenance_and_polars_reads_it() -> None:
    rows, layout = shard(("m",))
    rows.models["m"].put([(0, 0), (1, 0), (2, 0)], {"score": np.ones(3, np.float32)})
    table = assemble(rows, layout)
    body = encode(table, layout, rows.records["record_id"], {"fingerprint": "f" * 64})
    assert pq.read_metadata(io.BytesIO(body)).metadata[b"wardround.fingerprint"] == b"f" * 64
    assert pl.read_parquet(io.BytesIO(body))["record_id"].to_list() == ["r0", "r1", "r2"]
    assert status_counts(table) == {"ok": 3}


def test_rows_in_another_order_than_the_plan_are_never_encoded() -> None:
    rows, layout = shard(("m",))
    rows.models["m"].put([(0, 0), (1, 0), (2, 0)], {"score": np.ones(3, np.float32)})
    table = assemble(rows, layout)
    with pytest.raises(WardroundError, match="plan order"):
        encode(table, layout, pa.chunked_array([["r1", "r0", "r2"]]), {})
