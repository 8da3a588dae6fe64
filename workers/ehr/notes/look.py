"""Read some planned notes and say what they are: the check before a run."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.files import Found
from workers.ehr.notes.note import CUT_OFF
from workers.ehr.notes.settings import NotesInput


def look(tables: Iterable[pa.Table], source: NotesInput, found: Found, storage: StorageSettings) -> Mapping[str, Any]:
    """Format, lengths, and what would be refused. Raises InfrastructureError where storage fails."""
    fetcher = NoteFetcher(source, found, storage)
    lengths: list[int] = []
    refused: Counter[str] = Counter()
    remarks = cut_off = 0
    for table in tables:
        for note in fetcher.fetch(table.select(["uri", "member", "size", "etag"]).to_pylist()):
            cut_off += note.detail == CUT_OFF
            if note.status is not None:
                refused[str(note.status)] += 1
            else:
                remarks += bool(note.detail)
                lengths.append(len(note.text))
    lengths.sort()
    facts: dict[str, Any] = {"format": found.format, "notes_read": len(lengths) + refused.total()}
    if lengths:
        facts["characters"] = {"median": lengths[len(lengths) // 2], "longest": lengths[-1]}
    return {
        **facts,
        "would_be_refused": dict(refused.most_common()),
        "times_not_read": remarks,
        "places_cut_off": cut_off,
    }
