from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import RecordError
from workers.ehr.notes.ndjson import Ndjson
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Span


def syntax(**settings: Any) -> Ndjson:
    return Ndjson(NotesInput.model_validate({"collection": "notes", "uri": "/x", **settings}))


def test_each_line_with_something_on_it_is_a_record_with_its_place() -> None:
    content = b'{"a": 1}\n\n \r\n{"b":\n{"c": 2}'
    assert list(syntax().spans(iter([content[:11], content[11:]]))) == [
        Span(0, 9, 1, {"a": 1}),
        Span(13, 6, 4, None),
        Span(19, 8, 5, {"c": 2}),
    ]


def test_a_line_longer_than_a_record_may_be_is_not_held() -> None:
    assert list(syntax(max_bytes=5).spans(iter([b'{"a": 1}\n']))) == [Span(0, 9, 1, None)]


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b'{"a": Infinity}', b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_is_unreadable(data: bytes) -> None:
    with pytest.raises(RecordError, match="its line is not JSON"):
        syntax().parse(data)


@pytest.mark.parametrize("data", [b"[]", b"5", b"null", b'"a"'])
def test_what_is_no_object_is_told_so(data: bytes) -> None:
    with pytest.raises(RecordError, match="not a JSON object"):
        syntax().parse(data)


def test_bytes_are_text_in_the_encoding_of_the_spec_behind_a_byte_order_mark() -> None:
    assert syntax().parse('\ufeff{"a": "ü"}'.encode()) == {"a": "ü"}
    assert syntax(encoding="latin-1").parse('{"a": "ü"}'.encode("latin-1")) == {"a": "ü"}
    assert syntax(errors="replace").parse(b'{"a": "\xff"}') == {"a": "\ufffd"}
    assert syntax().parse(b'{"a": "\xff"}') == {"a": "\udcff"}, "left for the reader of the text to find"
