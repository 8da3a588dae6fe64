"""The records of stage `subjects`: ranges of row groups of the data files, small enough to be indexed in memory."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectInfo, ObjectMissing, join
from schemas.errors import SpecError
from schemas.plan import plan_schema
from workers.ehr.events.meds import DamagedFile, MedsRoot, check_columns, open_parquet

RANGE_ROWS = 2_000_000
"""A range has at most so many rows, but for a row group that alone has more."""
_FOOTERS = 16
"""Footers read at a time."""

SCHEMA = plan_schema(
    [
        pa.field("first_row", pa.int64()),
        pa.field("rows", pa.int64()),
        pa.field("group_rows", pa.list_(pa.int64())),
    ]
)
"""`member` is the first row group of the range, null where the file's footer cannot be read; `first_row` counts from
the start of the file; `group_rows` has the rows of each row group."""


@dataclass(frozen=True)
class _File:
    info: ObjectInfo
    group_rows: Sequence[int]
    group_bytes: Sequence[int]
    is_readable: bool = True


def range_batches(root: MedsRoot, columns: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
    """Every range of every data file, in order.

    Raises SpecError naming the file that is not as MEDS has it, or lacks one of `columns`, which the task looks at.
    """
    version = root.version()
    files = iter(root.data_files())
    with ThreadPoolExecutor(_FOOTERS) as pool:
        # A part of the listing at a time: `map` would open all files of a large dataset before the first range is
        # known.
        while listed := list(islice(files, 16 * _FOOTERS)):
            rows = [
                row
                for file in pool.map(partial(_read_footer, root, version, columns), listed)
                for row in _ranges(root, file)
            ]
            if rows:
                yield pa.RecordBatch.from_pylist(rows, SCHEMA)


def _read_footer(root: MedsRoot, version: str, columns: Sequence[str], info: ObjectInfo) -> _File:
    try:
        file = open_parquet(root.store, info.key)
    except DamagedFile:
        return _File(info, (), (), is_readable=False)
    except ObjectMissing:
        raise SpecError(f"{info.key} vanished while input.uri was listed: stop what deletes there") from None
    check_columns(file.schema_arrow, info.key, version)
    for column in columns:
        if column not in file.schema_arrow.names:
            raise SpecError(
                f"{info.key} has no column {column!r}, which a predicate of input.task.aces asks for; "
                "if it is meant as a setting of the predicate, correct its name"
            )
    groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
    return _File(info, [group.num_rows for group in groups], [_stored(group) for group in groups])


def _stored(group: Any) -> int:
    return sum(group.column(i).total_compressed_size for i in range(group.num_columns))


def _ranges(root: MedsRoot, file: _File) -> Iterator[dict[str, object]]:
    key = file.info.key
    same = {"subject_id": None, "uri": join(root.store.uri, key), "etag": file.info.etag}
    if not file.is_readable:
        yield {**same, "record_id": key, "size": file.info.size}
        return
    start = first = 0
    for end in _cuts(file.group_rows):
        rows = list(file.group_rows[first:end])
        size = sum(file.group_bytes[first:end])
        place = {"record_id": f"{key}#{first}", "member": first, "first_row": start}
        yield {**same, **place, "size": size, "rows": sum(rows), "group_rows": rows}
        start, first = start + sum(rows), end


def _cuts(group_rows: Sequence[int]) -> Iterator[int]:
    held = 0
    for group, rows in enumerate(group_rows):
        if held and held + rows > RANGE_ROWS:
            yield group
            held = 0
        held += rows
    if group_rows:
        yield len(group_rows)
