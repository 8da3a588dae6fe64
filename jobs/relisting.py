"""Whether the input is listed the same twice, and as it was when the run that lies at the output was planned.

That a list leaves keys out cannot be seen from the list: only another list, at another time, can tell.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cluster.storage import Store
from jobs.opening import StageRequest
from schemas.errors import InfrastructureError
from schemas.wording import counted
from workers.finished_runs.documents import read_run
from workers.finished_runs.plan import PlanReader

_APART_S = 1.0
_KEY = ["record_id", "etag", "size"]


@dataclass(frozen=True)
class Difference:
    """Records that only the later list has, those that only the earlier one has, and those of other bytes."""

    more: int
    fewer: int
    changed: int

    def __str__(self) -> str:
        if self == Difference(0, 0, 0):
            return "the same"
        return f"{self.more:,} more, {self.fewer:,} gone, {self.changed:,} changed"


def list_again(store: Store, request: StageRequest, plan: Path) -> dict[str, str]:
    """List the input once more and compare it with `plan`, the file of the first list, and with the plan of the run
    that lies there, if there is one.

    Raises InfrastructureError where the two lists of this moment differ.
    """
    first = pl.scan_parquet(plan).select(_KEY).collect()
    time.sleep(_APART_S)
    again = plan.with_name("again.parquet")
    request.write_plan(again)
    second = pl.scan_parquet(again).select(_KEY).collect()
    found = difference(first, second)
    if found != Difference(0, 0, 0):
        raise InfrastructureError(
            f"two lists of the input, {_APART_S:.0f} s apart, differ: {found}. Somebody writes there, or the store "
            "leaves keys out of its lists: run it again when nobody writes"
        )
    return {"listed twice": f"{counted(first.height, 'record')}, {found}", **_since_planned(store, request, second)}


def _since_planned(store: Store, request: StageRequest, now: pl.DataFrame) -> dict[str, str]:
    run = read_run(store, request.directory)
    if run is None:
        return {}
    plan = PlanReader(store, request.directory + run.plan.key, run.plan)
    parts = [pl.DataFrame(pl.from_arrow(shard.select(_KEY))) for shard in plan.shards()]
    then = pl.concat(parts) if parts else now.clear()
    planned = f"{counted(then.height, 'record')} at {run.created}"
    return {"since the run was planned": f"{planned}, now {difference(then, now)}"}


def difference(then: pl.DataFrame, now: pl.DataFrame) -> Difference:
    """What became of the records of two plans, by id."""
    both = then.join(now, on="record_id", how="inner", suffix="_now")
    same = both.filter(pl.col("etag").eq_missing(pl.col("etag_now")) & pl.col("size").eq_missing(pl.col("size_now")))
    return Difference(now.height - both.height, then.height - both.height, both.height - same.height)
