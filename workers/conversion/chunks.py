"""The input of a conversion, cut into chunks that are read as one shard each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing, join
from schemas.plan import plan_schema
from schemas.status import Status
from workers.reading.absent import fault_of

Part = TypeVar("Part")

_BATCH = 10_000


def chunk_batches(
    root: str, fields: Sequence[pa.Field], chunks: Iterable[Mapping[str, Any]]
) -> Iterator[pa.RecordBatch]:
    """Every chunk in order, as a plan with `fields` after the fixed columns.

    A chunk has `key` (under the uri `root`), `etag`, the bytes `size`, the place `start` where it begins, and `fields`.
    """
    schema, rows = plan_schema(fields), []
    for chunk in chunks:
        name, uri = f"{chunk['key']}@{chunk['start']}", join(root, chunk["key"])
        rows.append({**chunk, "record_id": name, "uri": uri, "member": chunk["start"]})
        if len(rows) >= _BATCH:
            yield pa.RecordBatch.from_pylist(rows, schema)
            rows = []
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema)


def key_of(record_id: str) -> str:
    """The key of the file that a planned chunk is of."""
    return record_id.rpartition("@")[0]


def guarded(parts: Iterable[Part], failed: Callable[[Status, str], Part]) -> Iterator[tuple[Part, Status]]:
    """The parts of a chunk with the status of its row so far.

    Where the input turns out not to be what was planned, the last part is what `failed` makes of status and reason.
    """
    try:
        for part in parts:
            yield part, Status.OK
    except (ObjectMissing, ObjectChanged) as error:
        fault = fault_of(error, "the file is gone since it was planned", "the file was changed since it was planned")
        yield failed(*fault), fault.status
