"""What earlier stages of the run committed, as workers read it."""

from collections.abc import Sequence

import polars as pl

from workers.finished_runs.stage import FinishedStage, stage_at
from workers.genomics.contract import COUNT_SCHEMA
from workers.genomics.genotypes.layout import COUNT, counts_key
from workers.genomics.genotypes.source import Genotypes
from workers.genomics.table.source import TableSource
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame, read_frame


def all_rows(stage: FinishedStage, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of all rows of a stage, in plan order."""
    return pl.DataFrame(pl.from_arrow(stage.all_rows(columns)))


def cohort_counts(context: StageContext, genotypes: Genotypes) -> pl.DataFrame:
    """The counts as rows of `COUNT_SCHEMA`: those that the source holds, else those of stage `count`."""
    if isinstance(genotypes.opened, TableSource):
        return genotypes.opened.counts()
    shards = stage_at(context.store, COUNT).run.plan.shards
    return pl.concat([read_frame(context.store, counts_key(shard)) for shard in range(shards)])


def encode(frame: pl.DataFrame, fingerprint: str, compression: str = "zstd") -> bytes:
    """A table as the bytes of a side object, with the run's fingerprint in it."""
    # Weights hardly repeat: a dictionary of them costs more time than all the rest.
    repeating = [name for name, kind in frame.schema.items() if kind == pl.String]
    return encode_frame(frame, fingerprint, compression=compression, dictionary=repeating)


def no_counts() -> pl.DataFrame:
    """A table of `COUNT_SCHEMA` without rows."""
    return pl.DataFrame(schema=COUNT_SCHEMA)
