"""What earlier stages of the run committed, as workers read it."""

from __future__ import annotations

import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import Store
from schemas.run import RUN_KEY, RunFile
from workers.collection import FinishedStage
from workers.engine.context import StageContext
from workers.engine.rowtable import stamp
from workers.genomics.contract import COUNT_SCHEMA
from workers.genomics.genotypes.layout import COUNT, counts_key
from workers.genomics.genotypes.source import Genotypes


def stage_at(store: Store, name: str) -> FinishedStage:
    """An earlier stage of the run in this store, which is complete."""
    directory = f"stages/{name}/"
    return FinishedStage(store, directory, RunFile.decode(store.get(directory + RUN_KEY), RUN_KEY))


def all_rows(stage: FinishedStage, columns: list[str]) -> pl.DataFrame:
    """These columns of all rows of a stage, in plan order."""
    tables = [stage.rows(shard, columns) for shard in range(stage.run.plan.shards)]
    return pl.DataFrame(pl.from_arrow(pa.concat_tables(tables)))


def cohort_counts(context: StageContext, genotypes: Genotypes) -> pl.DataFrame:
    """Of `COUNT_SCHEMA`: those that the source holds, else those of stage `count`."""
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
    """Of `COUNT_SCHEMA`, empty."""
    return pl.DataFrame(schema=COUNT_SCHEMA)
