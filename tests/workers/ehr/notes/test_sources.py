"""Every kind of input gives the notes that polars and json read from the same files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SpecError
from schemas.status import Status
from tests.support.note_inputs import (
    a_source,
    attachment,
    document,
    fetched,
    planned,
    read,
    some_notes,
    write_lines,
    write_notes,
)

NAMES = ["a.parquet", "a.csv", "a.tsv", "a.ndjson", "a.jsonl", "a.csv.gz", "a.ndjson.gz"]


def micros(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


@pytest.mark.parametrize("name", NAMES)
def test_texts_times_types_and_ids_are_those_of_the_table(tmp_path: Path, name: str) -> None:
    frame = some_notes()
    source = a_source(write_notes(frame, tmp_path / name), carry=("site",))
    table = planned(source)
    notes = fetched(source, table)
    assert table["record_id"].to_pylist() == frame["note_id"].to_list()
    assert table["subject_id"].to_pylist() == frame["subject_id"].to_list()
    assert table["site"].to_pylist() == frame["site"].to_list()
    for note, row in zip(notes, frame.to_dicts(), strict=True):
        blank = not (row["text"] or "").strip()
        assert note.status == (Status.EMPTY if blank else None)
        assert note.text == ("" if blank else row["text"])
        assert (note.time, note.type) == (micros(row["note_time"]), row["note_type"])


@pytest.mark.parametrize("name", NAMES)
def test_notes_do_not_depend_on_how_many_are_asked_for_nor_in_which_order(tmp_path: Path, name: str) -> None:
    source = a_source(write_notes(some_notes(), tmp_path / name))
    table = planned(source)
    whole = fetched(source, table)
    assert fetched(source, table, at_once=1) == whole
    assert fetched(source, table, at_once=7) == whole
    backwards = table.take(list(range(table.num_rows))[::-1])
    assert fetched(source, backwards, at_once=5) == whole[::-1]
    spread = [0, 13, 14, 40, 59]
    assert fetched(source, table.take(spread)) == [whole[row] for row in spread]


def test_an_empty_field_of_csv_is_null_without_quotes_and_empty_text_with_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('note_id,text,note_type,site\n1,x,,""\n2,y,"",\n3,"",,\n')
    source = a_source(tmp_path / "a.csv", carry=("site",))
    table = planned(source)
    assert table["site"].to_pylist() == ["", None, None]
    assert [(note.type, note.status) for note in fetched(source, table)] == [
        (None, None),
        ("", None),
        (None, Status.EMPTY),
    ]


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson.gz"])
def test_a_prefix_is_read_file_by_file_in_the_order_of_their_keys(tmp_path: Path, ending: str) -> None:
    frame = some_notes()
    write_notes(frame[30:], tmp_path / "in" / f"b.{ending}")
    write_notes(frame[:30], tmp_path / "in" / "a" / f"0.{ending}")
    (tmp_path / "in" / "_SUCCESS").touch()
    source = a_source(tmp_path / "in")
    table = planned(source)
    assert table["record_id"].to_pylist() == frame["note_id"].to_list()
    assert [note.text for note in fetched(source, table)][20] == frame["text"][20]
    assert planned(a_source(tmp_path / "in", glob="b*"))["record_id"].to_pylist() == frame["note_id"].to_list()[30:]


def test_files_of_one_table_may_have_their_columns_in_another_order(tmp_path: Path) -> None:
    frame = some_notes()
    write_notes(frame[:30], tmp_path / "in" / "a.csv")
    write_notes(frame[30:].select(frame.columns[::-1]), tmp_path / "in" / "b.csv")
    notes = read(tmp_path / "in")
    assert notes["n-0045"].text == frame["text"][45]


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.binary(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_text_of_any_type_of_parquet_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    table = some_notes().to_arrow()
    texts = table["text"].cast(pa.string())
    texts = texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts.cast(kind)
    ids = pa.chunked_array([pa.array(range(len(texts)), pa.int64())])
    pq.write_table(pa.table({"note_id": ids, "text": texts}), tmp_path / "a.parquet")
    notes = read(tmp_path / "a.parquet")
    assert notes["7"].text == some_notes()["text"][7]
    assert notes["5"].status == Status.EMPTY


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Vienna"])
def test_times_of_parquet_become_microseconds_in_utc(tmp_path: Path, unit: str, zone: str | None) -> None:
    moments = pa.array([1_700_000_000, -86_400, None], pa.int64())
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    stamps = pa.array([None if v is None else v * factor for v in moments.to_pylist()], pa.timestamp(unit, zone))
    pq.write_table(
        pa.table({"note_id": ["a", "b", "c"], "text": ["x"] * 3, "note_time": stamps}), tmp_path / "a.parquet"
    )
    assert [note.time for note in read(tmp_path / "a.parquet").values()] == [
        1_700_000_000_000_000,
        -86_400_000_000,
        None,
    ]


def omop(count: int = 20) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "note_id": range(1, count + 1),
            "person_id": [number // 2 for number in range(count)],
            "note_date": [datetime(2024, 5, 1).date()] * count,
            "note_datetime": [None if number == 2 else datetime(2024, 5, 1, 12, number) for number in range(count)],
            "note_type_concept_id": [32_831] * count,
            "note_class_concept_id": [706_391] * count,
            "note_title": ["Visit"] * count,
            "note_text": [f"text, {number}\nmore" for number in range(count)],
        }
    )


@pytest.mark.parametrize("name", ["note.parquet", "NOTE.csv", "note/part-0.parquet", "NOTE.csv.gz"])
@pytest.mark.parametrize("upper", [False, True])
def test_the_omop_table_is_found_among_others_with_its_columns_in_any_case(
    tmp_path: Path, name: str, upper: bool
) -> None:
    frame = omop()
    frame = frame.rename(str.upper) if upper else frame
    write_notes(frame, tmp_path / "cdm" / name)
    write_notes(pl.DataFrame({"person_id": [1]}), tmp_path / "cdm" / "person.csv")
    source = a_source(tmp_path / "cdm", format="omop", carry=(frame.columns[6],))
    table = planned(source)
    notes = fetched(source, table)
    assert table["record_id"].to_pylist() == [str(number) for number in range(1, 21)]
    assert table["subject_id"].to_pylist()[:4] == ["0", "0", "1", "1"]
    assert table.column(frame.columns[6]).to_pylist()[0] == "Visit"
    assert notes[3].text == "text, 3\nmore"
    assert notes[3].type == "706391"
    assert (notes[3].time, notes[2].time) == (micros("2024-05-01T12:03:00Z"), micros("2024-05-01T00:00:00Z"))


def test_an_omop_file_is_recognised_by_its_columns(tmp_path: Path) -> None:
    write_notes(omop(), tmp_path / "whatever.parquet")
    assert read(tmp_path / "whatever.parquet")["1"].text == "text, 0\nmore"


def test_fhir_documents_give_their_best_text(tmp_path: Path) -> None:
    plain, page = (
        attachment("plain é"),
        attachment("<p>a &amp; b</p>", "text/html; charset=utf-8"),
    )
    outside = {"contentType": "text/plain", "url": "Binary/7"}
    path = write_lines(
        tmp_path / "DocumentReference.ndjson",
        [
            document(0, page, plain, docStatus="final"),
            {"resourceType": "Patient", "id": "p0"},
            document(1, page),
            document(2, attachment("é", "text/plain; charset=ISO-8859-1", "latin-1")),
            document(3, {"contentType": "application/pdf", "data": "AAAA"}),
            document(4, outside),
            document(5),
            document(6, {"contentType": "text/plain", "data": "no base64!"}),
            document(7, attachment("x"), subject={"reference": "urn:uuid:0-1"}, date="2024", type={"text": "Letter"}),
            document(8, outside, page, subject={"reference": "https://fhir.org/Patient/12/_history/3"}),
        ],
    )
    source = a_source(path, carry=("docStatus",))
    table = planned(source)
    notes = fetched(source, table)
    assert table["docStatus"].to_pylist()[:2] == ["final", None]
    assert table["record_id"].to_pylist() == [f"doc-{number}" for number in range(9)]
    assert table["subject_id"].to_pylist()[-2:] == ["0-1", "12"]
    assert table["subject_id"].to_pylist()[0] == "p0"
    assert notes[0].text == "plain é"
    assert notes[1].text == "\n  a &     b\n   "
    assert notes[2].text == "é"
    statuses = [Status.UNSUPPORTED, Status.UNSUPPORTED, Status.EMPTY, Status.UNREADABLE]
    assert [note.status for note in notes[3:7]] == statuses
    assert notes[0].type == "Progress note"
    assert notes[0].time == notes[3].time == micros("2024-03-01T09:00:00.123Z")
    assert (notes[7].time, notes[7].type) == (None, "Letter")
    assert "time" in notes[7].detail
    assert notes[8].text == notes[1].text


def test_reports_of_fhir_are_read_where_asked_for_and_ids_then_name_their_kind(tmp_path: Path) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "doc-0",
        "code": {"text": "CT head"},
        "subject": {"reference": "Patient/p1"},
        "issued": "2024-03-01T10:00:00Z",
        "presentedForm": [attachment("no bleed")],
    }
    bare = {"resourceType": "DiagnosticReport", "id": "2"}
    path = write_lines(tmp_path / "all.ndjson", [document(0, attachment("letter")), report, bare])
    assert list(read(path)) == ["doc-0"]
    notes = read(path, resources=("DocumentReference", "DiagnosticReport"))
    assert list(notes) == ["DocumentReference/doc-0", "DiagnosticReport/doc-0", "DiagnosticReport/2"]
    found = notes["DiagnosticReport/doc-0"]
    assert (found.text, found.type, found.time) == ("no bleed", "CT head", micros("2024-03-01T10:00:00Z"))
    assert notes["DiagnosticReport/2"].status == Status.EMPTY


def test_a_lone_half_of_a_character_in_json_is_not_called_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"note_id": 1, "text": "x \\ud800 y"}\n')
    found = read(tmp_path / "a.ndjson")["1"]
    assert (found.status, found.text) == (Status.UNREADABLE, "")
    assert found.detail == "its text has characters that are not text (encoding utf-8)"
    assert read(tmp_path / "a.ndjson", errors="replace")["1"].text == "x \ufffd y"


def test_a_document_or_report_of_fhir_that_was_withdrawn_is_not_scored(tmp_path: Path) -> None:
    text, kind = attachment("of another patient"), {"resourceType": "DiagnosticReport"}
    report = {"presentedForm": [text], "issued": "2024-03-01T10:00:00Z"}
    path = write_lines(
        tmp_path / "all.ndjson",
        [
            document(0, text, status="entered-in-error"),
            document(1, text, status="current", docStatus="cancelled"),
            document(2, text, status="superseded", docStatus="amended"),
            document(3, text, status=["entered-in-error"]),
            {**kind, **report, "id": "4", "status": "entered-in-error"},
            {**kind, **report, "id": "5", "status": "cancelled"},
            {**kind, **report, "id": "6", "status": "final"},
        ],
    )
    notes = list(read(path, resources=("DocumentReference", "DiagnosticReport")).values())
    assert [note.status for note in notes if note.status is not None] == [Status.UNSUPPORTED] * 4
    assert [note.text for note in notes] == [
        "",
        "",
        "of another patient",
        "of another patient",
        "",
        "",
        "of another patient",
    ]
    assert notes[1].detail == "it was withdrawn: its docStatus is cancelled"
    assert notes[5].detail == "it was withdrawn: its status is cancelled"
    assert notes[5].time == micros("2024-03-01T10:00:00Z")


def test_a_spec_may_name_every_column_and_the_layout_of_times(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [7], "pat": ["x"], "when": ["03/02/2024 10:30"], "what": ["ct"], "body": ["t;t"]})
    frame.write_csv(tmp_path / "a.csv", separator=";")
    notes = read(
        tmp_path / "a.csv",
        delimiter=";",
        record_id="id",
        subject_id="pat",
        time="when",
        time_format="%d/%m/%Y %H:%M",
        type="what",
        text="body",
    )
    assert notes["7"].text == "t;t"
    assert (notes["7"].time, notes["7"].type) == (micros("2024-02-03T10:30:00Z"), "ct")


def test_values_of_ndjson_that_are_no_text_are_carried_as_json(tmp_path: Path) -> None:
    rows = [{"note_id": 1, "text": "x", "tags": ["a", 2], "n": 3}, {"note_id": 2, "text": "y", "n": None}]
    table = planned(a_source(write_lines(tmp_path / "a.ndjson", rows), carry=("tags", "n")))
    assert table["record_id"].to_pylist() == ["1", "2"]
    assert table["tags"].to_pylist() == [json.dumps(["a", 2]), None]
    assert table["n"].to_pylist() == ["3", None]


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("a.csv", {"text": "txt"}, "no column 'txt', did you mean 'text'"),
        ("a.parquet", {"record_id": "noteid"}, "no column 'noteid', did you mean 'note_id'"),
        ("a.parquet", {"carry": ("sites",)}, "the input has no column 'sites', did you mean 'site'"),
        ("a.ndjson", {"text": "txt"}, "no line of an NDJSON file has the key 'txt'"),
        ("a.ndjson", {"carry": ("sites",)}, "has the key 'sites'"),
        ("a.csv", {"carry": ("note_time",)}, "carry names 'note_time'"),
        ("a.parquet", {"format": "csv"}, "input.format is csv, and the name of the file says parquet"),
    ],
)
def test_a_name_that_is_not_there_is_an_error_with_the_nearest(
    tmp_path: Path, name: str, settings: dict[str, object], says: str
) -> None:
    path = write_notes(some_notes(), tmp_path / name)
    with pytest.raises(SpecError, match=says):
        planned(a_source(path, **settings))


def test_files_of_two_kinds_under_one_prefix_need_a_name(tmp_path: Path) -> None:
    write_notes(some_notes(), tmp_path / "a.csv")
    write_notes(some_notes(), tmp_path / "b.parquet")
    with pytest.raises(SpecError, match=r"parquet files beside csv: name input.format or input.glob"):
        planned(a_source(tmp_path))
    assert planned(a_source(tmp_path, format="parquet")).num_rows == 60
    assert planned(a_source(tmp_path, glob="*.csv")).num_rows == 60


def test_a_prefix_without_notes_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "letter.pdf").touch()
    with pytest.raises(SpecError, match="no file whose name says that it holds notes"):
        planned(a_source(tmp_path))
    with pytest.raises(SpecError, match="no files of format fhir"):
        planned(a_source(tmp_path, format="fhir"))


def test_planning_parquet_reads_no_text(tmp_path: Path) -> None:
    path = write_notes(some_notes(), tmp_path / "a.parquet")
    whole = pq.ParquetFile(path)
    place = next(i for i in range(whole.metadata.num_columns) if whole.metadata.schema.column(i).name == "text")
    body = bytearray(path.read_bytes())
    for group in range(whole.num_row_groups):
        chunk = whole.metadata.row_group(group).column(place)
        begin = chunk.dictionary_page_offset or chunk.data_page_offset
        body[begin : begin + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(body)
    table = planned(a_source(path))
    assert table["record_id"].to_pylist() == some_notes()["note_id"].to_list()
    assert {note.status for note in fetched(a_source(path), table)} == {Status.UNREADABLE}
