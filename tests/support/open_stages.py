"""A stage that was planned and opened on this disk, whose shards are still to be done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings, open_store
from jobs.opening import StageRequest, open_stage
from jobs.rundir import StageDirectory
from schemas.plan import plan_schema
from schemas.rows import OutputColumn
from schemas.run import StageKind
from schemas.spec import Compute, Limits, parse_spec
from schemas.status import Status
from schemas.work import ShardTask
from workers.collection import StagePlan
from workers.pipeline.context import StageContext
from workers.pipeline.publish import publish
from workers.pipeline.rowtable import build_rows

SPEC = """
job: predict
name: opened
input: {collection: images, uri: /archive}
models: {m: {uri: /model}}
output: {uri: /out}
"""


def opened(
    folder: Path, ids: Sequence[str], columns: Sequence[OutputColumn] = (), kind: StageKind = "records", size: int = 2
) -> StageDirectory:
    """The stage `predict` over these records, in shards of `size`."""

    def batch() -> pa.RecordBatch:
        texts: dict[str, Any] = {name: pa.nulls(len(ids), pa.string()) for name in ("subject_id", "etag")}
        numbers = {name: pa.nulls(len(ids), pa.int64()) for name in ("member", "size")}
        found = {"record_id": pa.array(ids), "uri": pa.array(ids), **texts, **numbers}
        return pa.RecordBatch.from_pydict({name: found[name] for name in plan_schema().names}, plan_schema())

    plan = StagePlan("predict", plan_schema(), lambda: iter([batch()]), kind=kind, shard_records=size)
    request = StageRequest(plan, parse_spec(SPEC), "", "predictions", {"numerics": "float32"}, tuple(columns))
    return open_stage(open_store(str(folder)), request)


def context_of(stage: StageDirectory, cpus: float = 1) -> StageContext:
    """What a worker of it knows."""
    job = {
        "run_uri": stage.store.uri,
        "stage_dir": stage.directory,
        "compute": Compute().model_dump(mode="json"),
        "limits": Limits().model_dump(mode="json"),
        "storage": StorageSettings().model_dump(mode="json"),
        "single_committer": stage.store.single_committer,
    }
    return StageContext(job, cpus=cpus, gpus=0)


def commit_rows(stage: StageDirectory, shard: int, statuses: Sequence[str], **values: Sequence[Any]) -> None:
    """Commit the rows of a shard as its worker would."""
    context = context_of(stage)
    records = context.plan.shard(shard)
    details = [None if status == Status.OK else f"it is {status}" for status in statuses]
    table = build_rows(records, context.layout, values, [Status(name) for name in statuses], details)
    publish(context, ShardTask(shard), table, records["record_id"])
