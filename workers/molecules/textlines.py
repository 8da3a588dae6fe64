"""The content of a text file of molecules on storage, plain or gzip, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.storage import ObjectChanged, ObjectInfo, ObjectMissing, Store
from schemas.errors import SpecError
from workers.reading.gzip import InflationError
from workers.reading.lines import blocks

LONGEST_LINE = 16 << 20
"""Bytes of a line of .smi or of a record of CSV. A longer line is passed over, a longer record ends the planning."""


def content(store: Store, info: ObjectInfo) -> Iterator[bytes]:
    """All of it in order. Raises SpecError for a file that is damaged, or changes meanwhile."""
    try:
        yield from blocks(store, info.key, info.size, info.etag)
    except (ObjectMissing, ObjectChanged):
        raise SpecError("a file of input.uri vanished or changed while it was planned: run again") from None
    except InflationError:
        raise SpecError(
            "a compressed file of input.uri is damaged or cut off: write it again, or move it away"
        ) from None
