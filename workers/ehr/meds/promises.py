"""Files that have another number of records than their source promised: one record more each, which is unreadable."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.status import Status
from schemas.wording import counted
from workers.conversion.chunks import key_of
from workers.conversion.plans import by_file
from workers.ehr.meds.parts import UNREADABLE

PROMISE_COLUMNS = ("record_id", "file", "promised", "part_records", "blank")
"""Columns of stage `read` that tell."""
STATUS = Status.UNREADABLE


def broken_promises(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Name of each such file, and how many records it has, from rows of stage `read` in their order."""
    for chunks in by_file(rows):
        promised = chunks[0]["promised"]
        there = sum(sum(chunk["part_records"]) - chunk["blank"] for chunk in chunks)
        if promised is not None and promised != there:
            yield key_of(chunks[0]["record_id"]), there


def reason_of(there: int) -> str:
    """What the record says."""
    return f"the file has {counted(there, 'record')}, not as many as its source promised"


def broken_tally(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those records as `workers.ehr.meds.tally` counts them; how many a file has is not said there."""
    count = sum(1 for _ in broken_promises(rows))
    reason = "a file has not as many records as its source promised"
    row = {"kind": None, "outcome": UNREADABLE, "reason": reason, "records": count, "events": 0}
    return [row] if count else []
