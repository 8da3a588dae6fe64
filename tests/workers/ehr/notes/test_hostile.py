"""Bad input is a row with a reason, or a clear error; what lies beside it is read as if nothing had been."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SpecError
from schemas.status import Status
from tests.support.note_inputs import (
    a_source,
    checked_plan,
    document,
    fetched,
    planned,
    read,
    some_notes,
    write_lines,
    write_notes,
)
from workers.ehr.notes.note import CUT_OFF, Note

GOOD = {"note_id": "good", "text": "fine"}
LATER = {"note_id": "later", "text": "as well"}


def statuses(notes: dict[str, Note]) -> dict[str, str]:
    return {name: str(note.status or "ok") for name, note in notes.items()}


@pytest.mark.parametrize(
    "line",
    [
        b'{"note_id": "x", "text": "cut',
        b"[1, 2]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"note_id": "x", "text": "a", "age": NaN}',
        b'{"note_id": 1' + b"0" * 5000 + b', "text": "a"}',
    ],
)
def test_a_broken_line_of_ndjson_is_a_row_named_after_its_place(tmp_path: Path, line: bytes) -> None:
    path = write_lines(tmp_path / "a.ndjson", [GOOD, b"", line, LATER])
    assert statuses(read(path)) == {"good": "ok", "a.ndjson#3": "unreadable", "later": "ok"}


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_ndjson_nor_csv(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    (tmp_path / "a.ndjson").write_bytes(mark + b'{"note_id": "1", "text": "x"}\r\n\r\n{"note_id": "2", "text": "y"}')
    (tmp_path / "a.csv").write_bytes(mark + b'note_id,text\r\n1,"x"\r\n\r\n2,y')
    for name in ("a.ndjson", "a.csv"):
        assert {key: note.text for key, note in read(tmp_path / name).items()} == {"1": "x", "2": "y"}


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_longer_than_the_limit_is_too_large_and_is_never_held(tmp_path: Path, packed: bool) -> None:
    long = json.dumps({"note_id": "long", "text": "a" * 3_000_000}).encode()
    path = write_lines(tmp_path / "a.ndjson", [GOOD, long, LATER])
    if packed:
        path = Path(f"{path}.gz")
        path.write_bytes(gzip.compress((tmp_path / "a.ndjson").read_bytes()))
    found = read(path, max_bytes=100_000)
    assert statuses(found) == {"good": "ok", f"{path.name}#2": "too_large", "later": "ok"}


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.ndjson.gz"])
def test_a_note_of_ten_million_characters_is_too_large_or_read_as_the_spec_says(tmp_path: Path, name: str) -> None:
    long = ("word, " * 12 + '"x"\n') * 131_579
    frame = some_notes(10)
    texts = frame["text"].to_list()
    path = write_notes(frame.with_columns(text=pl.Series([*texts[:2], long, *texts[3:]])), tmp_path / name)
    found = read(path)
    assert [str(found[f"n-000{number}"].status) for number in (1, 2, 6)] == ["None", "too_large", "None"]
    assert read(path, max_chars=len(long))["n-0002"].text == long


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.ndjson"])
def test_bytes_that_are_not_utf8_are_unreadable_or_replaced_as_python_does(tmp_path: Path, name: str) -> None:
    raw = b"temp \xe9lev\xe9e \xf0\x9f end"
    if name == "a.parquet":
        text = pa.array([b"fine", raw], pa.binary()).view(pa.string())
        pq.write_table(pa.table({"note_id": ["1", "2"], "text": text}), tmp_path / name)
    elif name == "a.csv":
        (tmp_path / name).write_bytes(b"note_id,text\n1,fine\n2," + raw + b"\n")
    else:
        write_lines(tmp_path / name, [{"note_id": "1", "text": "fine"}, b'{"note_id": "2", "text": "' + raw + b'"}'])
    assert statuses(read(tmp_path / name)) == {"1": "ok", "2": "unreadable"}
    assert read(tmp_path / name, errors="replace")["2"].text == raw.decode("utf-8", "replace")
    if name != "a.parquet":
        whole = raw.replace(b"\xf0\x9f", b"")
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes().replace(raw, whole))
        assert read(tmp_path / name, encoding="latin-1")["2"].text == whole.decode("latin-1")


def test_half_a_character_of_json_is_unreadable_or_replaced(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.ndjson", [b'{"note_id": "1", "text": "a \\ud83d b"}', GOOD])
    assert statuses(read(path)) == {"1": "unreadable", "good": "ok"}
    assert read(path, errors="replace")["1"].text == "a � b"


def test_an_id_that_is_not_utf8_makes_the_line_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"note_id,text\n1\xff,x\n2,y\n")
    assert statuses(read(tmp_path / "a.csv")) == {"a.csv#2": "unreadable", "2": "ok"}
    pq.write_table(pa.table({"note_id": pa.array([b"1\xff"]).view(pa.string()), "text": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(SpecError, match="not UTF-8"):
        planned(a_source(tmp_path / "a.parquet"))


def test_a_csv_line_with_too_few_or_too_many_fields_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('note_id,text\n1,x\n2\n3,"a\nb",c\n4,y\n')
    assert statuses(read(tmp_path / "a.csv")) == {
        "1": "ok",
        "a.csv#3": "unreadable",
        "a.csv#4": "unreadable",
        "4": "ok",
    }


def test_quotes_inside_plain_fields_are_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('note_id,text\n1,5" tube\n2,"a ""b"" c"\n')
    assert [note.text for note in read(tmp_path / "a.csv").values()] == ['5" tube', 'a "b" c']


@pytest.mark.parametrize("packed", [False, True])
def test_a_quote_that_is_never_closed_is_a_row_that_says_so(tmp_path: Path, packed: bool) -> None:
    body = b'note_id,text\n1,x\n2,"open\n3,y\n4,z\n'
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(body) if packed else body)
    found = read(path)
    assert statuses(found) == {"1": "ok", f"{path.name}#3": "unreadable"}
    assert found[f"{path.name}#3"].detail == CUT_OFF


def test_a_quoted_field_without_end_is_not_held_beyond_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'note_id,text\n1,x\n2,"open\n' + b"line\n" * 1_000_000)
    table = planned(a_source(tmp_path / "a.csv", max_bytes=10_000))
    assert table["record_id"].to_pylist() == ["1", "a.csv#3"]
    assert table["size"].to_pylist() == [4, None]


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
def test_of_a_truncated_gzip_file_what_is_there_is_read_and_a_row_stands_for_the_rest(
    tmp_path: Path, ending: str, keep: float
) -> None:
    frame = some_notes(2000)
    path = write_notes(frame, tmp_path / f"a.{ending}.gz")
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * keep)])
    source = a_source(path)
    table = planned(source)
    count = table.num_rows - 1
    assert 100 < count < 2000
    assert table["record_id"].to_pylist()[:-1] == frame["note_id"].to_list()[:count]
    assert table["record_id"].to_pylist()[-1].startswith(f"a.{ending}.gz#")
    notes = fetched(source, table, at_once=50)
    assert notes[-1] == Note(status=Status.UNREADABLE, detail=CUT_OFF)
    assert [note.text for note in notes[:-1]] == [(text or "").strip() and text for text in frame["text"][:count]]


def test_a_gzip_file_cut_between_two_records_is_not_taken_for_whole(tmp_path: Path) -> None:
    import zlib

    packer = zlib.compressobj(wbits=31)
    body = packer.compress(json.dumps(GOOD).encode() + b"\n") + packer.flush(zlib.Z_FULL_FLUSH)
    (tmp_path / "a.ndjson.gz").write_bytes(body)
    assert statuses(read(tmp_path / "a.ndjson.gz")) == {"good": "ok", "a.ndjson.gz#2": "unreadable"}


@pytest.mark.parametrize(
    "tail",
    [b"\0" * 600, b"", gzip.compress(b""), gzip.compress(json.dumps(LATER).encode())],
    ids=["padding", "nothing", "empty", "another"],
)
def test_gzip_files_of_several_streams_or_with_padding_are_read_whole(tmp_path: Path, tail: bytes) -> None:
    first = gzip.compress(json.dumps(GOOD).encode() + b"\n")
    (tmp_path / "a.ndjson.gz").write_bytes(first + tail)
    wanted = {"good": "ok", "later": "ok"} if len(tail) > 30 and tail[0] else {"good": "ok"}
    assert statuses(read(tmp_path / "a.ndjson.gz")) == wanted


def test_a_wrong_checksum_and_rubbish_after_the_end_are_told(tmp_path: Path) -> None:
    body = bytearray(gzip.compress(json.dumps(GOOD).encode() + b"\n"))
    body[-6] ^= 0xFF
    (tmp_path / "a.ndjson.gz").write_bytes(body)
    assert statuses(read(tmp_path / "a.ndjson.gz")) == {"good": "ok", "a.ndjson.gz#2": "unreadable"}
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(json.dumps(GOOD).encode() + b"\n") + b"rubbish")
    assert statuses(read(tmp_path / "b.ndjson.gz")) == {"good": "ok", "b.ndjson.gz#2": "unreadable"}


def test_a_gzip_bomb_is_not_inflated_into_memory(tmp_path: Path) -> None:
    import tracemalloc

    with gzip.open(tmp_path / "a.ndjson.gz", "wb", compresslevel=9) as file:
        file.write(json.dumps(GOOD).encode() + b"\n")
        for _ in range(16):
            file.write(b" " * (4 << 20))
    tracemalloc.start()
    found = read(tmp_path / "a.ndjson.gz", max_bytes=1 << 19)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert statuses(found) == {"good": "ok", "a.ndjson.gz#2": "too_large"}
    assert peak < 16 << 20


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.ndjson", "a.csv.gz"])
def test_a_file_that_changed_or_went_after_it_was_planned_costs_its_own_rows_only(tmp_path: Path, name: str) -> None:
    frame = some_notes()
    write_notes(frame[:20], tmp_path / "in" / f"0-{name}")
    changed = write_notes(frame[20:40], tmp_path / "in" / f"1-{name}")
    gone = write_notes(frame[40:], tmp_path / "in" / f"2-{name}")
    source = a_source(tmp_path / "in")
    table = planned(source)
    write_notes(frame[20:40], changed)
    os.utime(changed, ns=(1, 1))
    gone.unlink()
    found = [note.status for note in fetched(source, table, at_once=7)]
    assert set(found[:20]) == {None, Status.EMPTY}
    assert set(found[20:40]) == {Status.INPUT_CHANGED}
    assert set(found[40:]) == {Status.MISSING}


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.ndjson"])
def test_null_and_doubled_ids_are_refused_with_their_rows(tmp_path: Path, name: str) -> None:
    frame = some_notes(10)
    ids = frame["note_id"].to_list()
    path = write_notes(frame.with_columns(note_id=pl.Series([*ids[:4], None, *ids[5:]])), tmp_path / name)
    with pytest.raises(SpecError, match="record_id is null in row 5 of the input"):
        checked_plan(a_source(path), tmp_path)
    path = write_notes(frame.with_columns(note_id=pl.Series([*ids[:4], ids[1], *ids[5:]])), tmp_path / name)
    with pytest.raises(SpecError, match="not unique: row 5 of the input"):
        checked_plan(a_source(path), tmp_path)


@pytest.mark.parametrize("time", ["yesterday", "2024", "2024-13-01", "0001-01-01T00:00:00+14:00", 1709280000, ["x"]])
def test_a_note_whose_time_cannot_be_read_is_scored_and_says_so(tmp_path: Path, time: object) -> None:
    path = write_lines(tmp_path / "a.ndjson", [{**GOOD, "note_time": time}, {**LATER, "note_time": "2024-02-03"}])
    found = read(path)
    assert (found["good"].status, found["good"].time) == (None, None)
    assert "note_time is null" in found["good"].detail
    assert found["later"].time == 1_706_918_400_000_000
    assert found["later"].detail == ""


@pytest.mark.parametrize("text", [12, True, ["a"], {"div": "x"}])
def test_text_that_is_no_text_is_unreadable(tmp_path: Path, text: object) -> None:
    path = write_lines(tmp_path / "a.ndjson", [GOOD, {"note_id": "x", "text": text}, {"note_id": "y"}])
    assert statuses(read(path)) == {"good": "ok", "x": "unreadable", "y": "empty"}


def test_a_column_of_numbers_is_no_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"note_id": ["1"], "text": [5]}), tmp_path / "a.parquet")
    with pytest.raises(SpecError, match="column 'text' of the input is int64, not text"):
        planned(a_source(tmp_path / "a.parquet"))


def test_columns_of_types_that_do_not_fit_are_errors_without_their_values(tmp_path: Path) -> None:
    texts = {"text": ["x"]}
    pq.write_table(pa.table({"note_id": [["a"]], **texts}), tmp_path / "a.parquet")
    with pytest.raises(SpecError, match=r"column 'note_id' of the input is list"):
        planned(a_source(tmp_path / "a.parquet"))
    pq.write_table(pa.table({"note_id": ["a"], "note_time": [{"at": 1}], **texts}), tmp_path / "a.parquet")
    with pytest.raises(SpecError, match="column 'note_time' of the input is struct"):
        planned(a_source(tmp_path / "a.parquet"))
    pq.write_table(pa.table({"note_id": ["a"], "site": [1], **texts}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"note_id": ["b"], "site": ["Mrs Miller"], **texts}), tmp_path / "b.parquet")
    with pytest.raises(
        SpecError, match=r"column 'site' of the input is large_string and cannot be read as int64"
    ) as error:
        planned(a_source(tmp_path, carry=("site",)))
    assert "Miller" not in str(error.value)


def test_a_damaged_page_of_parquet_costs_what_comes_after_it_in_its_row_group(tmp_path: Path) -> None:
    frame = some_notes(3000).with_columns(text=some_notes(3000)["text"].fill_null("x") + " " * 2)
    table = frame.to_arrow()
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=1500, data_page_size=4096, use_dictionary=False, compression="none")
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(4)
    body = bytearray(path.read_bytes())
    middle = chunk.data_page_offset + chunk.total_compressed_size // 2
    body[middle : middle + 9000] = b"\xff" * 9000
    path.write_bytes(body)
    source = a_source(path)
    found = fetched(source, planned(source), at_once=100)
    good = [note.status != Status.UNREADABLE for note in found]
    first_bad = good.index(False)
    assert 300 < first_bad < 1000
    assert not any(good[first_bad:1500])
    assert all(good[1500:])
    assert [note.text for note in found[1500:1503]] == frame["text"].to_list()[1500:1503]


def test_a_parquet_file_that_is_none_is_an_error_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"Mrs Miller " * 100)
    with pytest.raises(SpecError, match=r"is no Parquet file, or damaged") as error:
        planned(a_source(tmp_path / "a.parquet"))
    assert "Miller" not in str(error.value)


def test_a_parquet_file_damaged_anywhere_never_looks_like_a_failing_disk(tmp_path: Path) -> None:
    path = write_notes(some_notes(30), tmp_path / "a.parquet")
    whole = path.read_bytes()
    footer = len(whole) - int.from_bytes(whole[-8:-4], "little") - 8
    read_at_all = 0
    for place in range(footer, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_at_all += bool(read(path))
        except SpecError:
            continue
    assert 0 < read_at_all < (len(whole) - footer) // 7


@pytest.mark.parametrize(("name", "body"), [("a.csv", b""), ("a.csv", b"note_id,text\n"), ("a.ndjson", b"\n\n")])
def test_files_without_records_are_an_error(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(SpecError, match="the input has no records"):
        checked_plan(a_source(tmp_path / name), tmp_path)


def test_two_columns_of_one_name_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"note_id,text,text\n1,a,b\n")
    with pytest.raises(SpecError, match="two columns 'text'"):
        planned(a_source(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    "content",
    [
        "x",
        [{"attachment": "x"}],
        [3],
        [{"attachment": {"contentType": 7, "data": 9}}],
        [{"attachment": {"contentType": "text/plain; charset=ebcdic", "data": "AA=="}}],
        [{"attachment": {"contentType": "text/plain; charset=utf-16", "data": "AA=="}}],
        [{"attachment": {"contentType": "text/plain"}}],
        None,
    ],
)
def test_fhir_that_is_not_shaped_as_fhir_is_a_row(tmp_path: Path, content: object) -> None:
    bad = {**document(1), "content": content, "subject": "Patient/1", "type": [1], "date": {}}
    path = write_lines(tmp_path / "a.ndjson", [document(0, {"contentType": "text/plain", "data": "eA=="}), bad])
    found = read(path)
    assert found["doc-0"].text == "x"
    assert found["doc-1"].status in (Status.EMPTY, Status.UNSUPPORTED, Status.UNREADABLE)
