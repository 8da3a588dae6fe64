"""A first look at histories of events, for a spec."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.storage import StorageSettings
from workers.drafts import Draft
from workers.ehr.events.meds import MedsRoot
from workers.ehr.events.settings import VISIT_ENDS
from workers.reading.parquet import open_parquet, parquet_batches

_ROWS = 65_536
_PARTS = 16
"""Batches of the first file that are looked at."""


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """A prediction at the end of each visit where visits end in the data, else one for everybody at the last day."""
    if "task" in given:
        return Draft()
    root = MedsRoot(uri, storage)
    key = root.data_files()[0].key
    last: datetime | None = None
    for codes, latest in _seen(open_parquet(root.store, key), key):
        if any(code.partition("//")[0] in VISIT_ENDS for code in codes if code):
            return Draft({"task": {"every": "visit_end"}}, remarks=["task: one prediction at the end of each visit"])
        last = max(filter(None, (last, latest)), default=None)
    day = (last or datetime(2000, 1, 1)).date()
    return Draft({"task": {"at": day}}, remarks=["task: one prediction a subject, at the last day of the first file"])


def _seen(file: pq.ParquetFile, key: str) -> Iterator[tuple[list[str | None], datetime | None]]:
    """The codes and the latest time of each of the first batches."""
    for number, batch in enumerate(parquet_batches(file, ["code", "time"], _ROWS, key)):
        if number == _PARTS:
            return
        yield pc.unique(batch["code"]).to_pylist(), pc.max(batch["time"]).as_py()
