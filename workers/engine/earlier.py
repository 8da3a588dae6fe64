"""What earlier stages of the run committed, as driver and workers read it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from cluster.storage import Store
from schemas.run import RUN_KEY, RunFile
from workers.collection import FinishedStage

_READS = 16


def stage_at(store: Store, name: str) -> FinishedStage:
    """An earlier stage of the run in this store, which is complete."""
    directory = f"stages/{name}/"
    return FinishedStage(store, directory, RunFile.decode(store.get(directory + RUN_KEY), RUN_KEY))


def all_rows(stage: FinishedStage, columns: Sequence[str]) -> pa.Table:
    """These columns of all rows of a stage, in plan order."""
    with ThreadPoolExecutor(_READS) as pool:
        tables = list(pool.map(lambda shard: stage.rows(shard, columns), range(stage.run.plan.shards)))
    return pa.concat_tables(tables)
