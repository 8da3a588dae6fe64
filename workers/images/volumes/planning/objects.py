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


def object_batches(headers: FinishedStage, carried: Sequence[pa.Field], *, by_study: bool) -> Iterator[pa.RecordBatch]:
    """Series after series, or study after study, in the order in which they begin, and in each its objects in the order
    of the input.

    Some numbers an object are held; the rows themselves go through the temporary folder.
    """
    schema, together = objects_schema(carried), _together(headers, by_study=by_study)
    batches = _batches(headers, carried, schema, together)
    yield from reordered(batches, schema, np.argsort(together, kind="stable"))


def _together(headers: FinishedStage, *, by_study: bool) -> Places:
    """For each object the place of the first object of its series, or of its study. One that names neither is alone."""
    series, studies = _groups(headers, "series_uid"), _groups(headers, "study_uid")
    first = _first(np.arange(len(series)), series)
    if not by_study:
        return first
    # A series that names two studies stays in one piece, so that its contradiction is seen.
    while not np.array_equal(first, later := _first(_first(first, studies), series)):
        first = later
    return first


def _first(places: Places, groups: NDArray[np.int64]) -> Places:
    """The smallest of these places in the group of each object; -1 is no group."""
    found = places.copy()
    named = np.flatnonzero(groups >= 0)
    least = np.full(int(groups.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, groups[named], places[named])
    found[named] = least[groups[named]]
    return found


def _groups(headers: FinishedStage, column: str) -> NDArray[np.int64]:
    """A number for each value of a column, -1 where it is null. Two values of one hash are cut together, and told apart
    where they are looked at."""
    found = [_hashes(headers, shard, column) for shard in range(headers.run.plan.shards)]
    hashes, nulls = (np.concatenate(parts) for parts in zip(*found, strict=True))
    groups = np.unique(hashes, return_inverse=True)[1].astype(np.int64)
    groups[nulls] = -1
    return groups


def _hashes(headers: FinishedStage, shard: int, column: str) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    values = pl.Series(pl.from_arrow(headers.rows(shard, [column])[column]))
    return values.hash(seed=3).to_numpy(), values.is_null().to_numpy()


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
