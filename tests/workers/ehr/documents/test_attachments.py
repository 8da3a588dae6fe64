from __future__ import annotations

import base64
from typing import Any

import pytest

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.documents.attachments import OTHER_TEXT, SAME_TEXT, Document, choose, codec_of, read_attachment


def attachment(data: bytes, kind: str | None = "text/plain") -> dict[str, Any]:
    return {"data": base64.b64encode(data).decode(), **({"contentType": kind} if kind else {})}


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        ("né".encode(), "text/plain", "né"),
        ("né".encode("latin-1"), 'text/html; charset="latin1"', "né"),
        (b"\xef\xbb\xbfBOM", "text/plain", "BOM"),
        ("né".encode("utf-16"), "text/plain", "né"),
        (b"\xa4 5", "text/plain;charset=ISO-8859-15", "€ 5"),
        ("\u6f22".encode("gb18030"), "text/plain; charset=GB18030", "\u6f22"),
        (b'<meta charset="windows-1252"><p>\x80 5</p>', "text/html", "€ 5"),
        (b"<p>No&nbsp;fever.<br>x</p>", "text/html", "No fever.\nx"),
        (b'<div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div>', "application/xhtml+xml", "a"),
        (rb"{\rtf1\ansi 38\'b0C\par}", "application/rtf", "38°C"),
        (rb"{\rtf1\ansi 38\'b0C\par}", "text/plain", "38°C"),
        (b"<ClinicalDocument><title>A</title><text>b &lt; c</text></ClinicalDocument>", "text/xml", "A b < c"),
        (b"no type", None, "no type"),
    ],
)
def test_an_attachment_becomes_the_text_that_a_person_reads(data: bytes, kind: str | None, text: str) -> None:
    assert read_attachment(attachment(data, kind)).text() == text


def test_data_may_have_line_ends_in_it() -> None:
    assert read_attachment({"contentType": "text/plain", "data": "bsOp\nbsOp"}).text() == "néné"


@pytest.mark.parametrize(
    ("item", "status", "detail"),
    [
        (attachment(b"%PDF", "application/pdf"), Status.UNSUPPORTED, "plain text, HTML, RTF or XML"),
        ({"contentType": "text/plain", "url": "Binary/1"}, Status.UNSUPPORTED, "outside the export"),
        ({"contentType": "text/plain"}, Status.EMPTY, "has no data"),
        ({"contentType": "text/plain", "data": "a!"}, Status.UNREADABLE, "base64"),
        (attachment(b"x", "text/plain; charset=klingon"), Status.UNSUPPORTED, "character set"),
        (attachment(b"x", "text/plain; charset=rot13"), Status.UNSUPPORTED, "character set"),
        (attachment(b"\xff\xfe\x00", "text/plain; charset=utf-16"), Status.UNREADABLE, "is not utf-16"),
    ],
)
def test_what_is_no_text_says_why(item: dict[str, Any], status: Status, detail: str) -> None:
    with pytest.raises(RecordError) as error:
        read_attachment(item)
    assert error.value.status == status
    assert detail in error.value.detail


@pytest.mark.parametrize("name", ["base64", "hex", "zlib", "idna", "punycode", "unicode_escape", "", "utf-7"])
def test_only_character_sets_are_codecs(name: str) -> None:
    assert codec_of(name) is None


def document(text: str, kind: str = "text/plain") -> Document:
    return Document(kind, text)


@pytest.mark.parametrize(
    ("documents", "kept", "left_out"),
    [
        ([document(r"{\rtf1 No fever.\par}", "text/rtf"), document("No fever.")], [1], {0: SAME_TEXT}),
        ([document("one"), document("two"), document("one ")], [0, 1], {2: SAME_TEXT}),
        ([document("<p>one</p><p>two</p>", "text/html"), document("one"), document("two")], [1, 2], {0: SAME_TEXT}),
        ([document("one"), document("<p>two</p>", "text/html")], [0], {1: OTHER_TEXT}),
        ([document("  "), document("<p>two</p>", "text/html")], [1], {0: SAME_TEXT}),
        ([document(" ")], [0], {}),
        ([], [], {}),
    ],
)
def test_a_document_in_several_formats_is_read_in_the_best_and_all_its_pages(
    documents: list[Document], kept: list[int], left_out: dict[int, str]
) -> None:
    assert choose(documents) == (kept, left_out)
