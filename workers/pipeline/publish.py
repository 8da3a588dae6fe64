"""Check, encode and commit the rows of a shard, after the side objects that they vouch for."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pyarrow as pa

from cluster.storage import attempt_id, commit, sha256_of
from schemas.crashpoints import crashpoint
from schemas.errors import InfrastructureError
from schemas.figures import FIGURES_KEY
from schemas.run import SIDE_KEY, shard_key
from schemas.work import ShardReport, ShardTask
from workers.finished_runs.figures import figures_of
from workers.finished_runs.side import SideObjectRef, as_text
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import SideObject
from workers.pipeline.rowtable import column_totals, encode, model_status_counts, status_counts

_SHORT = 512
"""Characters of metadata that stand beside an object as well as in its footer."""
_AT_A_TIME = 8
"""Side objects of a shard that are written at the same time"""


def publish(
    context: StageContext,
    task: ShardTask,
    table: pa.Table,
    record_ids: pa.ChunkedArray,
    side: Sequence[SideObject] = (),
    vouched: Sequence[SideObjectRef] = (),
) -> ShardReport:
    """Commit a shard; a sample is only counted. `side` is written first, `vouched` lies there already."""
    counts = status_counts(table)
    models = model_status_counts(table, context.layout.columns)
    if task.sample:
        return ShardReport(task.shard, "sampled", statuses=counts, models=models, rows=table.num_rows)
    named = [*vouched, *_publish_all(context, side)]
    crashpoint("commit.before_encode")
    attempt = attempt_id()
    metadata = {
        "fingerprint": context.run.fingerprint,
        "plan": context.run.plan.sha256,
        "shard": str(task.shard),
        "attempt": attempt,
        "rows": str(table.num_rows),
        "statuses": _pairs(counts),
        "models": _pairs({name: model.sha256 for name, model in context.run.models.items()}),
    }
    # S3 allows 2 KB of metadata an object: what may be longer stands in the Parquet footer alone.
    shown: tuple[str, ...] = ("plan", "shard", "rows", "statuses")
    if named:
        metadata |= {SIDE_KEY.removeprefix("wardround."): as_text(named), "sides": str(len(named))}
        shown = (*shown, "sides")
    if totals := column_totals(table, context.layout.columns):
        metadata |= {"totals": json.dumps(totals)}
        shown = (*shown, "totals")
    if not context.stage_dir:
        # Of the rows of the run; what an earlier stage comes to, nobody asks.
        figures = figures_of(table, context.layout.columns)
        metadata |= {FIGURES_KEY.removeprefix("wardround."): figures.model_dump_json()}
    if models:
        metadata |= {"verdicts": json.dumps(models)}
        shown = (*shown, "verdicts") if len(metadata["verdicts"]) <= _SHORT else shown
    body = encode(table, context.layout, record_ids, metadata)
    result = commit(
        context.store,
        context.stage_dir + shard_key(context.run.rows_dir, task.shard),
        body,
        fingerprint=context.run.fingerprint,
        attempt=attempt,
        extra={key: metadata[key] for key in shown},
    )
    return ShardReport(task.shard, result.outcome, statuses=counts, models=models, rows=table.num_rows)


def _publish_all(context: StageContext, side: Sequence[SideObject]) -> list[SideObjectRef]:
    """Several at a time, in order: a disk writes out many small files together, and S3 answers each after a while."""
    if len(side) < 2:
        return [publish_side(context, item) for item in side]
    with ThreadPoolExecutor(min(_AT_A_TIME, len(side)), thread_name_prefix="side") as pool:
        return list(pool.map(partial(publish_side, context), side))


def publish_side(context: StageContext, item: SideObject) -> SideObjectRef:
    """Write a side object. What lies there afterwards: this body, or the equal one of another worker."""
    crashpoint("side.before_put")
    digest = sha256_of(item.body)
    result = commit(context.store, item.key, item.body, fingerprint=context.run.fingerprint, sha256=digest)
    crashpoint("side.after_put")
    there = result.metadata["sha256"]
    if there == digest:
        return SideObjectRef(item.key, len(item.body), digest)
    # Another version of a library may have encoded the same table otherwise; what lies there counts.
    head = context.store.head(item.key)
    if head is None:
        raise InfrastructureError("a side object vanished as it was written: stop what deletes at output.uri")
    return SideObjectRef(item.key, head.size, there)


def _pairs(values: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(values.items()))
