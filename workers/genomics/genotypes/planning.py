"""How the work over genotypes is cut: ranges of variants to count, scores to match, blocks of samples to score."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from schemas.plan import plan_schema
from schemas.spec import Compute
from workers.contract import ModelCard
from workers.genomics.genotypes.outputs import PANEL
from workers.genomics.genotypes.source import Identity

BLOCK = 16_384
"""Samples of a block of the genotype table, and the fewest that are worth a scan of a whole file."""
COUNT_BYTES = 256 << 20
"""Packed genotypes that are counted as one shard."""
MATCH_SCORES = 64
"""Scores of one shard, but for a file that alone has more."""

RANGE_SCHEMA = plan_schema([pa.field("low", pa.int64(), nullable=False), pa.field("high", pa.int64(), nullable=False)])
"""A range of `variant_idx`: `low` and all up to `high - 1`."""
SCORE_SCHEMA = plan_schema(
    [pa.field("model", pa.string(), nullable=False), pa.field("score", pa.string()), pa.field("number", pa.int64())]
)
"""`number` is the place of the scoring file in its directory; it and `score` are null for a panel."""
SAMPLE_FIELDS = (pa.field("fid", pa.string()), pa.field("sex", pa.int8()))
SAMPLE_SCHEMA = plan_schema(SAMPLE_FIELDS)
"""`member` is the place of a sample in the source."""
_BYTES_A_COLUMN = 64
"""Bytes of one sample and column: a sum and its counts, their columns, and the Parquet that is made of them."""
_USUAL_MEMORY = 8 << 30
"""Memory of a worker, where the spec does not say."""
_BATCH = 65_536


def range_batches(variants: pl.DataFrame, samples: int, uri: str, found: Identity) -> Iterator[pa.RecordBatch]:
    """All variants, in pieces of about `COUNT_BYTES`."""
    rows = max(1, COUNT_BYTES // max(1, -(-samples // 4)))
    numbers = variants["variant_idx"]
    starts = list(range(0, variants.height, rows))
    low = [numbers[start] for start in starts]
    ends = [numbers[min(start + rows, variants.height) - 1] + 1 for start in starts]
    yield _batch(
        RANGE_SCHEMA,
        record_id=[f"variants-{number:06d}" for number in range(len(starts))],
        uri=[uri] * len(starts),
        etag=[found.digest] * len(starts),
        low=low,
        high=ends,
    )


def score_batches(models: Mapping[str, ModelCard], uri: str, found: Identity) -> Iterator[pa.RecordBatch]:
    """Every score of every directory, `<model>/<score>`, and every panel, `<model>`; those of one file together."""
    for name, card in models.items():
        planned: list[tuple[str | None, int | None]] = [(None, None)]
        if card.format != PANEL:
            files = card.settings["files"]
            planned = [(score, number) for number, file in enumerate(files) for score in file["scores"]]
        yield _batch(
            SCORE_SCHEMA,
            record_id=[name if score is None else f"{name}/{score}" for score, _ in planned],
            subject_id=[name if number is None else f"{name}/{number}" for _, number in planned],
            uri=[uri] * len(planned),
            etag=[found.digest] * len(planned),
            model=[name] * len(planned),
            score=[score for score, _ in planned],
            number=[number for _, number in planned],
        )


def sample_batches(samples: pl.DataFrame, uri: str, found: Identity) -> Iterator[pa.RecordBatch]:
    """Every sample in the order of the source. `record_id` is its iid, or fid:iid where an iid is there twice."""
    iid, fid = samples["iid"], samples["fid"]
    record = iid if iid.is_unique().all() else fid.fill_null("0") + ":" + iid
    for start in range(0, samples.height, _BATCH):
        part = slice(start, start + _BATCH)
        count = len(record[part])
        yield _batch(
            SAMPLE_SCHEMA,
            record_id=record[part].to_list(),
            subject_id=iid[part].to_list(),
            uri=[uri] * count,
            member=list(range(start, start + count)),
            etag=[found.digest] * count,
            fid=fid[part].to_list(),
            sex=samples["sex"][part].to_list(),
        )


def samples_a_shard(samples: int, models: Mapping[str, ModelCard], blocks: bool, compute: Compute) -> int:
    """Whole blocks of samples, always.

    Of a table as many as `compute.shard_records` asks for. Over one file of all samples every shard is a scan of the
    whole file: there is at most one a worker, unless what its samples need would not fit into half of the memory.
    """
    wanted = compute.shard_records // BLOCK if blocks else -(-samples // (compute.workers.max * BLOCK))
    fits = (compute.memory_per_worker or _USUAL_MEMORY) // 2 // (bytes_a_sample(models) * BLOCK)
    return max(1, min(wanted, fits)) * BLOCK


def bytes_a_sample(models: Mapping[str, ModelCard]) -> int:
    """What a sample holds until its row is written: numbers of its own, and its calls of every panel."""
    columns = sum(len(card.outputs) for card in models.values())
    panels: int = sum(card.settings.get("variants", 0) for card in models.values())
    return _BYTES_A_COLUMN * columns + panels


def _batch(schema: pa.Schema, **columns: Sequence[Any]) -> pa.RecordBatch:
    """Rows of a plan; what is not given is null."""
    given = {name: pa.array(values, schema.field(name).type) for name, values in columns.items()}
    rows = len(given["record_id"])
    return pa.record_batch([given.get(f.name, pa.nulls(rows, f.type)) for f in schema], schema=schema)
