"""What earlier stages of the run committed, as workers read it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import polars as pl
import pyarrow.parquet as pq

from cluster.storage import Store
from workers.engine.context import StageContext
from workers.engine.rowtable import stamp
from workers.genomics.contract import COUNT_SCHEMA
from workers.genomics.genotypes.layout import COUNT, counts_key
from workers.genomics.genotypes.source import Genotypes
from workers.runs.stage import FinishedStage, stage_at


def all_rows(stage: FinishedStage, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of all rows of a stage, in plan order."""
    return pl.DataFrame(pl.from_arrow(stage.all_rows(columns)))


def cohort_counts(context: StageContext, genotypes: Genotypes) -> pl.DataFrame:
    """The counts as rows of `COUNT_SCHEMA`: those that the source holds, else those of stage `count`."""
    if genotypes.has_counts:
        held = genotypes.opened.counts()
        assert held is not None
        return held
    shards = stage_at(context.store, COUNT).run.plan.shards
    return pl.concat([read(context.store, counts_key(shard)) for shard in range(shards)])


def read(store: Store, key: str) -> pl.DataFrame:
    """A side object that an earlier stage wrote."""
    return pl.DataFrame(pl.from_arrow(pq.read_table(store.open_reader(key), use_threads=False)))


def encode(frame: pl.DataFrame, fingerprint: str, compression: str = "zstd") -> bytes:
    """A table as the bytes of a side object, with the run's fingerprint in it."""
    sink = io.BytesIO()
    # Views of strings, which polars gives, are not what every reader of Parquet knows.
    table = stamp(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), fingerprint)
    # Weights hardly repeat: a dictionary of them costs more time than all the rest.
    repeating = [name for name, kind in frame.schema.items() if kind == pl.String]
    pq.write_table(table, sink, compression=compression, use_dictionary=repeating)
    return sink.getvalue()


def no_counts() -> pl.DataFrame:
    """A table of `COUNT_SCHEMA` without rows."""
    return pl.DataFrame(schema=COUNT_SCHEMA)
