"""Notes in one Parquet file, planned by their ids and read by their rows."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import ObjectChanged, ObjectMissing, open_store
from schemas.errors import SpecError
from schemas.status import Status
from tests.support.note_inputs import a_source
from workers.ehr.notes import parquet_file
from workers.ehr.notes.parquet_file import ParquetNotes, plan_parquet

COUNT = 300


def table(**more: Any) -> pa.Table:
    ids = range(COUNT)
    return pa.table({"note_id": pa.array(ids), "text": [f"note {number}" for number in ids], **more})


def write(folder: Path, content: pa.Table, row_group: int = 100) -> Path:
    pq.write_table(content, folder / "n.parquet", row_group_size=row_group)
    return folder


def notes_of(folder: Path, etag: str | None = None, **settings: Any) -> ParquetNotes:
    return ParquetNotes(open_store(str(folder)), "n.parquet", etag, a_source(folder, **settings), is_omop=False)


def texts(notes: ParquetNotes, *rows: int) -> list[str]:
    return [note.text or str(note.status) for note in notes.notes([(row, None) for row in rows])]


def planned(folder: Path, **settings: Any) -> list[dict[str, Any]]:
    store = open_store(str(folder))
    (info,) = store.list()
    return list(plan_parquet(store, info, a_source(folder, **settings), is_omop=False))


def test_a_plan_has_ids_as_text_rows_by_number_and_what_is_carried(tmp_path: Path) -> None:
    write(tmp_path, table(subject_id=pa.array(range(COUNT), pa.int32()), ward=["x"] * COUNT))
    (batch,) = planned(tmp_path, carry=("ward",))
    assert batch["record_id"].to_pylist() == [str(number) for number in range(COUNT)]
    assert batch["subject_id"].to_pylist() == batch["record_id"].to_pylist()
    assert batch["member"].to_pylist() == list(range(COUNT))
    assert batch["ward"].to_pylist() == ["x"] * COUNT


def test_a_file_without_subjects_has_none_in_its_plan(tmp_path: Path) -> None:
    (batch,) = planned(write(tmp_path, table()))
    assert batch["subject_id"] is None


def test_rows_are_numbered_through_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "_PLANNED", 64)
    batches = planned(write(tmp_path, table()))
    assert len(batches) > 2
    assert [row for batch in batches for row in batch["member"].to_pylist()] == list(range(COUNT))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([["a"]] * COUNT), r"column 'text' of the input is list<.*>: name another in input"),
        (pa.array(range(COUNT)), "column 'text' of the input is int64, not text: correct input.text"),
    ],
)
def test_a_column_that_holds_no_text_is_refused_before_anything_is_read(
    tmp_path: Path, column: pa.Array, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        planned(write(tmp_path, pa.table({"note_id": range(COUNT), "text": column})))


def test_notes_come_by_their_row_forwards_backwards_and_across_row_groups(tmp_path: Path) -> None:
    notes = notes_of(write(tmp_path, table()))
    assert texts(notes, 0, 63, 64, 99, 100, 299, 5, 250) == [f"note {row}" for row in (0, 63, 64, 99, 100, 299, 5, 250)]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The second of three row groups is damaged from its start."""
    write(tmp_path, table())
    path = tmp_path / "n.parquet"
    group = pq.read_metadata(path).row_group(1)
    body = bytearray(path.read_bytes())
    column = group.column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    body[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(body)
    return tmp_path


def test_a_damaged_row_group_costs_its_own_notes_and_no_others(broken: Path) -> None:
    notes = notes_of(broken)
    assert texts(notes, 99, 100, 199, 200, 99) == ["note 99", "unreadable", "unreadable", "note 200", "note 99"]
    (note,) = notes.notes([(150, None)])
    assert note.detail == "its Parquet file is damaged"


def test_a_row_that_the_file_does_not_have_is_unreadable(tmp_path: Path) -> None:
    (note,) = notes_of(write(tmp_path, table())).notes([(COUNT, None)])
    assert note.status == Status.UNREADABLE


def test_a_file_of_another_version_is_changed_and_one_that_is_gone_missing(tmp_path: Path) -> None:
    write(tmp_path, table())
    (info,) = open_store(str(tmp_path)).list()
    assert texts(notes_of(tmp_path, info.etag), 0) == ["note 0"]
    with pytest.raises(ObjectChanged):
        notes_of(tmp_path, "another")
    # A folder without any file would be a mount that is gone.
    pq.write_table(table(), tmp_path / "other.parquet")
    (tmp_path / "n.parquet").unlink()
    with pytest.raises(ObjectMissing):
        notes_of(tmp_path, info.etag)


def test_damage_in_a_file_that_was_replaced_meanwhile_is_a_change(broken: Path) -> None:
    (info,) = open_store(str(broken)).list()
    notes = notes_of(broken, info.etag)
    write(broken, table().slice(1))
    with pytest.raises(ObjectChanged):
        notes.notes([(100, None)])


def test_times_of_any_unit_are_microseconds_and_text_is_read_as_one(tmp_path: Path) -> None:
    when = datetime(2024, 5, 6, 7, 8, 9)
    for times in (pa.array([when] * COUNT, pa.timestamp("ns")), pa.array([when.isoformat()] * COUNT)):
        (note,) = notes_of(write(tmp_path, table(note_time=times, note_type=["Plan"] * COUNT))).notes([(7, None)])
        assert (note.time, note.type) == (1_714_979_289_000_000, "Plan")


def test_text_in_bytes_is_decoded_as_the_input_says(tmp_path: Path) -> None:
    write(tmp_path, pa.table({"note_id": ["1", "2"], "text": pa.array(["Müller".encode("latin-1"), None])}))
    notes = notes_of(tmp_path, encoding="latin-1")
    assert texts(notes, 0, 1) == ["Müller", "empty"]
    assert texts(notes_of(tmp_path), 0) == ["unreadable"]


def test_texts_held_as_a_dictionary_are_texts(tmp_path: Path) -> None:
    column = pa.array([f"note {number % 3}" for number in range(COUNT)]).dictionary_encode()
    assert texts(notes_of(write(tmp_path, pa.table({"note_id": range(COUNT), "text": column}))), 4, 200) == [
        "note 1",
        "note 2",
    ]
