"""Write a plan as a stream: constant memory but for eight bytes a record, which find doubled ids."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cluster.storage import sha256_of
from jobs.planning.subjects import shards_of_subjects
from schemas.errors import SpecError
from schemas.plan import PlanInfo
from schemas.temporary import room_for

_NAMED = 5
"""How many wrong rows an error names."""


def write_plan(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    path: Path,
    shard_records: int,
    prefix: str = "",
    *,
    whole_subjects: bool = False,
    whole_by: str = "subject_id",
) -> PlanInfo:
    """Write `batches` to the file `path`, one row group of `shard_records` a shard, and say what it is.

    `whole_subjects`: cut only between neighbours of different `whole_by`, at or before `shard_records`, and later
    only where one of them alone has more.

    Raises SpecError naming row numbers (1-based) where an id is null or doubled, or if there is no record at all.
    """
    hashes: list[NDArray[np.uint64]] = []
    records = known_bytes = 0
    ends: list[int] = []
    cut = partial(shards_of_subjects, column=whole_by) if whole_subjects else _in_shards
    written = {"compression": "zstd", "compression_level": 1, "write_page_checksum": True}
    with room_for("the plan does"), pq.ParquetWriter(path, schema, **written) as writer:
        for table in cut(_checked(batches, schema, hashes), schema, shard_records):
            writer.write_table(table, row_group_size=max(shard_records, table.num_rows))
            records += table.num_rows
            known_bytes += pc.sum(table["size"]).as_py() or 0
            ends.append(records)
    if not records:
        raise SpecError("the input has no records: check input.uri")
    _refuse_doubles(hashes, path)
    sha256 = sha256_of(path)
    return PlanInfo(
        key=f"{prefix}plan-{sha256}.parquet",
        sha256=sha256,
        records=records,
        shards=len(ends),
        shard_records=shard_records,
        bytes=known_bytes,
        ends=tuple(ends) if whole_subjects else None,
    )


def _checked(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, hashes: list[NDArray[np.uint64]]
) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in batches:
        ids = batch.column("record_id")
        if ids.null_count:
            rows = [start + int(row) + 1 for row in np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False))]
            raise SpecError(f"record_id is null in {_rows(rows)} of the input; every record needs an id")
        hashes.append(pl.Series(pl.from_arrow(ids)).hash(seed=7).to_numpy())
        start += batch.num_rows
        yield batch.select(schema.names).cast(schema)


def _in_shards(batches: Iterable[pa.RecordBatch], schema: pa.Schema, size: int) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= size:
            table = pa.Table.from_batches(held, schema)
            whole = rows - rows % size
            for start in range(0, whole, size):
                yield table.slice(start, size)
            held = table.slice(whole).to_batches()
            rows -= whole
    if rows:
        yield pa.Table.from_batches(held, schema)


def _refuse_doubles(hashes: list[NDArray[np.uint64]], path: Path) -> None:
    everything = np.concatenate(hashes)
    ordered = np.sort(everything)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not repeated.size:
        return
    rows = np.flatnonzero(np.isin(everything, repeated))
    ids = _ids_at(path, rows)
    seen: dict[str, int] = {}
    doubles = [int(row) + 1 for row, name in zip(rows, ids, strict=True) if seen.setdefault(name, int(row)) != row]
    if doubles:
        repeat = "repeats" if len(doubles) == 1 else "repeat"
        raise SpecError(
            f"record_id is not unique: {_rows(doubles)} of the input {repeat} an earlier id: take out what is there "
            "twice, or name a column that tells every record apart (input.record_id)"
        )


def _ids_at(path: Path, rows: NDArray[np.intp]) -> list[str]:
    column = pq.read_table(path, columns=["record_id"], memory_map=True).column(0)
    names: list[str] = column.take(pa.array(rows)).to_pylist()
    return names


def _rows(rows: list[int]) -> str:
    named = ", ".join(str(row) for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"row{'s' if len(rows) > 1 else ''} {named}{more}"
