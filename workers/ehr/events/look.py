"""What `wardround plan` says of a dataset: files, events, subjects, version, and what is asked of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.errors import RecordError
from workers.ehr.events.meds import MedsRoot
from workers.ehr.events.rowsource import RowSource, Run
from workers.ehr.events.task import WantedTimes

_COUNTED_ROWS = 20_000_000
"""Subjects are counted in so many rows; that takes a few seconds."""


def look(tables: Iterable[pa.Table], root: MedsRoot, times: WantedTimes) -> Mapping[str, Any]:
    """Facts about these planned ranges. `subjects` is exact, or where there are more rows, those of the first of them.

    Raises SpecError for a version that is not read, or a task that cannot be understood.
    """
    records = [record for table in tables for record in table.to_pylist()]
    subjects, counted = _subjects(records, root)
    events = sum(record["rows"] or 0 for record in records)
    facts: dict[str, Any] = {
        "meds_version": root.version(),
        "files": len({record["uri"] for record in records}),
        "events": events,
        "subjects" if counted >= events else f"subjects_in_first_{counted}_events": subjects,
    }
    unreadable = sum(record["member"] is None for record in records)
    if unreadable:
        facts["unreadable_files"] = unreadable
    facts |= times.facts()
    if times.carry:
        facts["carried"] = ", ".join(field.name for field in times.carry)
    return facts


def _subjects(records: Iterable[Mapping[str, Any]], root: MedsRoot) -> tuple[int, int]:
    """Distinct subjects, and the rows that were read for it."""
    source = RowSource(root.store, ["subject_id"])
    found: list[np.ndarray[Any, np.dtype[np.int64]]] = []
    counted = 0
    for record in records:
        if counted >= _COUNTED_ROWS:
            break
        if not record["rows"]:
            continue
        try:
            rows = source.read(Run(record["uri"], record["etag"], record["first_row"], record["rows"]))
        except RecordError:
            continue
        found.append(rows["subject_id"].drop_null().unique().to_numpy())
        counted += record["rows"]
    return (len(np.unique(np.concatenate(found))) if found else 0), counted
