"""A complete run whose rows a test chooses, written by what writes every run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa

from cluster.storage import open_store
from jobs.finishing import finish
from jobs.opening import StageRequest, open_stage
from schemas.plan import plan_batch, plan_schema
from schemas.rows import stage_columns
from schemas.spec import parse_spec
from schemas.status import Status
from schemas.work import ShardTask
from tests.support.open_stages import SPEC, context_of
from workers.collection import StagePlan
from workers.finished_runs.side import uris_in
from workers.pipeline.kinds import SideObject
from workers.pipeline.publish import publish
from workers.pipeline.rowtable import build_rows

_TYPES = {pl.Float32: "float32", pl.Float64: "float64", pl.String: "string", pl.Int64: "int64", pl.Boolean: "bool"}


def make_run(
    folder: Path,
    rows: pl.DataFrame,
    scores: tuple[str, ...],
    shard_records: int = 100,
    types: Mapping[str, str] | None = None,
    objects: Mapping[str, bytes] | None = None,
) -> str:
    """A run in `folder` with these rows: `record_id`, maybe `subject_id` and `status`, columns of `scores`, which a
    model gave, and others, which the plan carries. `types` are those of scores that are no
    plain numbers or texts; `objects` the side objects that they refer to. Returns its uri."""
    fixed = ("record_id", "subject_id", "status")
    carried = [name for name in rows.columns if name not in (*fixed, *scores)]
    schema = plan_schema(pa.field(name, rows[name].to_arrow().type) for name in carried)
    schema = pa.schema(
        [field.with_type(pa.string()) if field.name in carried and _is_text(field) else field for field in schema]
    )
    subjects = (
        rows["subject_id"]
        if "subject_id" in rows.columns
        else pl.repeat(None, rows.height, dtype=pl.String, eager=True)
    )

    def batch() -> pa.RecordBatch:
        planned = {"record_id": rows["record_id"].to_list(), "subject_id": subjects.to_list()}
        planned |= {name: rows[name].to_list() for name in carried}
        return plan_batch(schema, planned, uri="/archive")

    plain = {name: _TYPES[type(rows[name].dtype)] for name in scores if name not in (types or {})}
    kinds = {**plain, **(types or {})}
    columns = stage_columns("model", *((name, kinds[name], "a score") for name in scores))
    plan = StagePlan("predict", schema, lambda: iter([batch()]), carry=tuple(carried), shard_records=shard_records)
    request = StageRequest(plan, parse_spec(SPEC), "", "predictions", {"numerics": "float32"}, columns)
    stage = open_stage(open_store(str(folder)), request)
    context = context_of(stage)
    for shard in range(stage.run.plan.shards):
        records = context.plan.shard(shard)
        part = rows.slice(shard * shard_records, shard_records)
        statuses = [Status(name) for name in (part["status"] if "status" in part.columns else ["ok"] * part.height)]
        details = [None if status == Status.OK else "made so" for status in statuses]
        values = {name: part[name].to_arrow() for name in scores}
        table = build_rows(records, context.layout, values, statuses, details)
        uris = [uri for uri in uris_in(table, context.layout.columns) if uri in (objects or {})]
        side = [SideObject(uri, (objects or {})[uri]) for uri in uris]
        publish(context, ShardTask(shard), table, records["record_id"], side)
    finish([stage], {}, None)
    return str(folder)


def _is_text(field: pa.Field) -> bool:
    return pa.types.is_large_string(field.type) or pa.types.is_string_view(field.type)
