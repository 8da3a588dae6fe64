"""The plan of stage `volumes`: the objects that stage `headers` has read, each series in one piece."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.plan import PLAN_FIELDS, plan_schema
from workers.finished_runs.stage import FinishedStage
from workers.images.volumes.planning.columns import (
    HEADER_DETAIL,
    HEADER_STATUS,
    HEADER_TYPES,
    TOGETHER,
    as_carried,
    header_fields,
)
from workers.reading.reordered import reordered

Places = NDArray[np.int64]


def objects_schema(carried: Sequence[pa.Field]) -> pa.Schema:
    """`carried` are columns of the input and attributes of DICOM that come along to the volumes."""
    own = [TOGETHER, *header_fields(), HEADER_STATUS, HEADER_DETAIL]
    return plan_schema([*own, *map(as_carried, carried)])


def object_batches(headers: FinishedStage, carried: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
    """Series after series in the order in which they begin, and in each its objects in the order of the input.

    Sixteen bytes an object are held; the rows themselves go through the temporary folder.
    """
    schema, together = objects_schema(carried), _together(headers)
    batches = _batches(headers, carried, schema, together)
    yield from reordered(batches, schema, np.argsort(together, kind="stable"))


def _together(headers: FinishedStage) -> Places:
    """For each object the place of the first object of its series. One without a series is alone."""
    hashes = [_hashes(headers, shard) for shard in range(headers.run.plan.shards)]
    series = np.concatenate([values for values, _ in hashes])
    alone = np.concatenate([nulls for _, nulls in hashes])
    first = np.arange(len(series))
    named = np.flatnonzero(~alone)
    _, begins, which = np.unique(series[named], return_index=True, return_inverse=True)
    first[named] = named[begins][which]
    return first


def _hashes(headers: FinishedStage, shard: int) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    # Two series of one hash are cut together, and told apart where they are looked at.
    column = pl.Series(pl.from_arrow(headers.rows(shard, ["series_uid"])["series_uid"]))
    return column.hash(seed=3).to_numpy(), column.is_null().to_numpy()


def _batches(
    headers: FinishedStage, carried: Sequence[pa.Field], schema: pa.Schema, together: Places
) -> Iterator[pa.RecordBatch]:
    plan, start = headers.plan(), 0
    for shard in range(headers.run.plan.shards):
        records, rows = plan.shard(shard), headers.rows(shard)
        tables = {True: records, False: rows}
        given = {field.name: records[field.name] for field in PLAN_FIELDS}
        given |= {as_carried(one).name: tables[one.name in records.schema.names][one.name] for one in carried}
        given |= {
            **{name: rows[name] for name in HEADER_TYPES},
            "subject_id": rows["subject_id"],
            TOGETHER.name: pa.array(together[start : start + records.num_rows]),
            HEADER_STATUS.name: rows["status"].cast(pa.string()),
            HEADER_DETAIL.name: rows["detail"],
        }
        start += records.num_rows
        table = pa.table([given[name] for name in schema.names], schema=schema)
        yield from table.combine_chunks().to_batches()
