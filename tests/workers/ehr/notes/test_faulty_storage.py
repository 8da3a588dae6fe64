"""Storage that fails in the middle of a file is nobody's fault: nothing becomes a row, and the next try reads all."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import InfrastructureError
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.note_inputs import a_source, write_notes
from tests.support.seaweed import S3
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.planning import NoteRecords

NOTES = 5000


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.gz", "a.ndjson"])
def test_after_an_outage_reading_goes_on_as_if_nothing_had_been(
    tmp_path: Path, s3: S3, bucket_prefix: str, name: str
) -> None:
    chance = random.Random(1)
    texts = [f"{chance.getrandbits(4000):x}" for _ in range(NOTES)]
    frame = pl.DataFrame({"note_id": [str(number) for number in range(NOTES)], "text": texts})
    store = open_store(bucket_prefix, s3.settings)
    store.put(name, write_notes(frame, tmp_path / name), {})
    source = a_source(f"{bucket_prefix}/{name}")
    records = NoteRecords(source, s3.settings)
    rows = [row for batch in records.batches() for row in batch.to_pylist()]
    with FaultProxy(s3.endpoint_url) as proxy:
        fetcher = NoteFetcher(source, records.found, StorageSettings(endpoint_url=proxy.endpoint_url))
        assert [note.text for note in fetcher.fetch(rows[:100])] == texts[:100]
        proxy.use(Fault("forbidden", method="GET"))
        failed_at = first_failure(fetcher, rows)
        assert 0 < failed_at < NOTES
        assert [note.text for note in fetcher.fetch(rows[failed_at:])] == texts[failed_at:]


def first_failure(fetcher: NoteFetcher, rows: list[dict[str, object]]) -> int:
    """Where reading in small parts meets the outage."""
    for start in range(100, NOTES, 50):
        try:
            fetcher.fetch(rows[start : start + 50])
        except InfrastructureError:
            return start
    return NOTES
