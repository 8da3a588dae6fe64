from __future__ import annotations

import gzip
from typing import Any

import pytest

from schemas.errors import RecordError, SpecError
from workers.ehr.notes.csv_file import Csv
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Span


def syntax(key: str = "x.csv", columns: tuple[str, ...] = (), **settings: Any) -> Csv:
    return Csv(NotesInput.model_validate({"collection": "notes", "uri": "/x", **settings}), key, columns)


def test_records_follow_the_header_and_may_hold_line_breaks() -> None:
    csv = syntax()
    content = b'\xef\xbb\xbfid,text\r\n1,"a\nb"\r\n\r\n2,\n'
    assert list(csv.spans(iter([content]))) == [
        Span(12, 9, 2, {"id": "1", "text": "a\nb"}),
        Span(23, 3, 5, {"id": "2", "text": None}),
    ]
    assert csv.columns == ("id", "text")


def test_a_record_of_another_number_of_fields_is_one_that_cannot_be_read() -> None:
    assert [span.row for span in syntax().spans(iter([b"id,text\n1\n2,b\n"]))] == [None, {"id": "2", "text": "b"}]
    with pytest.raises(RecordError, match="not as many fields as the header"):
        syntax(columns=("id", "text")).parse(b"1,2,3")


def test_a_quote_that_is_never_closed_is_the_last_record() -> None:
    assert list(syntax().spans(iter([b'id\n1\n"2\n3\n']))) == [Span(3, 2, 2, {"id": "1"}), Span(5, None, 3, None)]


@pytest.mark.parametrize(("key", "delimiter"), [("x.tsv", None), ("x.csv", "\t"), ("x.tsv.gz", None)])
def test_fields_are_parted_as_the_name_or_the_spec_says(key: str, delimiter: str | None) -> None:
    assert syntax(key, ("a", "b"), delimiter=delimiter).parse(b"1,5\t2\n") == {"a": "1,5", "b": "2"}


def test_a_header_is_read_once_and_a_file_without_one_refused() -> None:
    csv = syntax(columns=("a",))
    csv.read_header(iter([b"b\n"]))
    assert csv.columns == ("a",)
    with pytest.raises(SpecError, match="no header line that can be read"):
        syntax().read_header(iter([b'"never closed\n']))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("id,text\n1,a\n".encode("utf-16"), "UTF-16"),
        ("id,text\n1,a\n".encode("utf-16-le"), "UTF-16"),
        (b"PK\x03\x04\x14\x00", "Excel"),
        (gzip.compress(b"id,text\n1,a\n"), r"ends in \.gz"),
    ],
)
def test_a_file_that_is_no_csv_is_said_to_be_what_it_is(body: bytes, says: str) -> None:
    with pytest.raises(SpecError, match=f"a CSV file of input.uri .*{says}"):
        syntax().read_header(iter([body]))
