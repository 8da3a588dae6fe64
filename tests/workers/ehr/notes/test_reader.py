"""The reader keeps to its budget, hands over what it read in order, and gives back what nobody takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings
from schemas.errors import InfrastructureError
from schemas.outputs import OutputField
from schemas.status import Status
from tests.support.note_inputs import a_source, planned, some_notes, write_notes
from tests.support.record_job import TableJob, scored
from workers.contract import Encoded
from workers.ehr.notes.cleaning import Controls
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.planning import NoteRecords
from workers.ehr.notes.reader import CHUNK_NOTES, NoteReader, Preparation
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.holding import HeldScoring


class Upper:
    """An encoder that works in a child of its own making, or so its clock says; `gate` holds it up."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.helper_seconds = 0.0
        self.closed = False
        self.seen: list[int] = []
        self._gate = gate

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        if self._gate is not None:
            assert self._gate.wait(30)
        self.seen.append(len(texts))
        self.helper_seconds += 1.0
        return [Encoded(text.upper(), len(text)) for text in texts]

    def close(self) -> None:
        self.closed = True


def a_reader(path: Path, encoders: Sequence[Upper], limit: int = 1 << 30) -> tuple[NoteReader, pa.Table, ByteBudget]:
    source = a_source(path)
    budget = ByteBudget(limit)
    fetcher = NoteFetcher(source, NoteRecords(source, StorageSettings()).found, StorageSettings())
    ways = [Preparation((), lambda encoder=encoder: encoder) for encoder in encoders]
    return NoteReader(fetcher, ways, budget, keep_text=False), planned(source), budget


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_notes(some_notes(1000), tmp_path / "a.ndjson")


def test_every_record_comes_once_in_order_and_the_budget_is_even_afterwards(path: Path) -> None:
    encoder = Upper()
    reader, table, budget = a_reader(path, [encoder])
    records = []
    for part in reader.read(table):
        records += part
        budget.add(-sum(record.nbytes for record in part))
    assert [record.row for record in records] == list(range(1000))
    assert [record.status for record in records[:7]] == [
        None,
        None,
        None,
        Status.EMPTY,
        Status.EMPTY,
        Status.EMPTY,
        None,
    ]
    assert records[0].inputs[0].value == some_notes(1000)["text"][0].upper()
    assert records[3].inputs == ()
    assert records[0].columns["note_type"] == "discharge"
    assert budget.held == 0
    assert sum(encoder.seen) == 997
    assert reader.prepare_seconds > len(encoder.seen)
    reader.close()
    assert encoder.closed


def test_what_is_read_ahead_and_not_taken_is_off_the_budget(path: Path) -> None:
    gate = threading.Event()
    reader, table, budget = a_reader(path, [Upper(gate)])
    parts = reader.read(table)
    threading.Timer(0.2, gate.set).start()
    first = next(parts)
    budget.add(-sum(record.nbytes for record in first))
    parts.close()
    end = time.monotonic() + 30
    while budget.held and time.monotonic() < end:
        time.sleep(0.01)
    assert budget.held == 0
    assert [record.row for record in next(reader.read(table))] == list(range(CHUNK_NOTES))
    reader.close()


def test_no_more_is_read_while_the_budget_is_full(path: Path) -> None:
    reader, table, budget = a_reader(path, [Upper()], limit=2000)
    for part in reader.read(table):
        budget.add(-sum(record.nbytes for record in part))
    assert budget.held == 0
    assert budget.peak < 3 * CHUNK_NOTES * 200
    reader.close()


def test_each_model_gets_the_text_cleaned_as_it_asks(path: Path) -> None:
    source = a_source(path)
    budget = ByteBudget(1 << 30)
    fetcher = NoteFetcher(source, NoteRecords(source, StorageSettings()).found, StorageSettings())
    one, two, raw = Upper(), Upper(), Upper()
    ways = [
        Preparation((Controls(),), lambda: one),
        Preparation((Controls(),), lambda: two),
        Preparation((), lambda: raw),
    ]
    reader = NoteReader(fetcher, ways, budget, keep_text=True)
    table = planned(source).slice(0, 1)
    ((record,),) = reader.read(table)
    text = some_notes(1000)["text"][0]
    assert [item.value for item in record.inputs] == [text.replace("\r", " ").upper()] * 2 + [text.upper()]
    assert record.columns["text"] == text
    reader.close()


def test_an_encoder_that_storage_does_not_give_is_asked_for_again(path: Path) -> None:
    calls = []

    def unsteady() -> Upper:
        calls.append(1)
        if len(calls) == 1:
            raise InfrastructureError("storage failed")
        return Upper()

    source = a_source(path)
    fetcher = NoteFetcher(source, NoteRecords(source, StorageSettings()).found, StorageSettings())
    budget = ByteBudget(1 << 30)
    reader = NoteReader(fetcher, [Preparation((), Upper), Preparation((), unsteady)], budget, keep_text=False)
    table = planned(source).slice(0, 10)
    with pytest.raises(InfrastructureError):
        list(reader.read(table))
    assert budget.held == 0
    assert sum(len(part) for part in reader.read(table)) == 10
    reader.close()


class Characters:
    """How many characters each note has."""

    outputs = (OutputField(name="characters", type="int64", meaning="how many the note has"),)

    def score(self, values: Sequence[str]) -> Mapping[str, Sequence[int]]:
        return {"characters": [len(value) for value in values]}


def test_shards_much_larger_than_the_budget_are_scored_and_their_notes_count_until_then(path: Path) -> None:
    reader, table, budget = a_reader(path, [Upper()], limit=2000)
    tables = [table.slice(0, 500), table.slice(500)]
    held = sum(record.nbytes for part in a_reader(path, [Upper()])[0].read(tables[0]) for record in part)
    found = scored(TableJob(reader, HeldScoring({"m": Characters()}, "cpu"), tables), budget)
    lengths = [value for shard in (0, 1) for value in found[shard]["m"]["characters"]]
    empty = {3, 4, 5}
    texts = some_notes(1000)["text"]
    assert lengths == [None if row in empty else len(text) for row, text in enumerate(texts)]
    assert held <= budget.peak < held + 3 * CHUNK_NOTES * 200
    assert budget.held == 0
