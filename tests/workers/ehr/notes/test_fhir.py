from __future__ import annotations

import base64
from typing import Any

import pytest

from schemas.status import Status
from workers.ehr.notes.fhir import FhirDialect
from workers.ehr.notes.note import Note
from workers.ehr.notes.settings import NotesInput


def dialect(**settings: Any) -> FhirDialect:
    return FhirDialect(NotesInput.model_validate({"collection": "notes", "uri": "/x", **settings}))


def attachment(text: str | bytes, kind: str = "text/plain", **more: Any) -> dict[str, Any]:
    data = text.encode() if isinstance(text, str) else text
    return {"contentType": kind, "data": base64.b64encode(data).decode(), **more}


def document(*attachments: Any, **more: Any) -> dict[str, Any]:
    content = [{"attachment": item} for item in attachments]
    return {"resourceType": "DocumentReference", "id": "d1", "content": content, **more}


def note(row: dict[str, Any], **settings: Any) -> Note:
    return dialect(**settings).note(row)


BOTH = ["DocumentReference", "DiagnosticReport"]


def test_an_id_names_its_kind_only_where_several_are_read() -> None:
    one, two = dialect().identify(document()), dialect(resources=BOTH).identify(document())
    assert one is not None
    assert two is not None
    assert (one.record_id, two.record_id) == ("d1", "DocumentReference/d1")
    assert dialect().identify({"resourceType": "DiagnosticReport", "id": "r1"}) is None


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"reference": "Patient/1"}, "1"),
        ({"reference": "https://host/fhir/Patient/1/_history/2"}, "1"),
        ({"reference": "urn:uuid:a-b"}, "a-b"),
        ({"reference": "#p"}, "p"),
        ({"reference": ""}, None),
        ({"reference": 5}, None),
        ("Patient/1", None),
        (None, None),
    ],
)
def test_a_subject_is_the_last_part_of_its_reference(subject: Any, expected: str | None) -> None:
    found = dialect().identify(document(subject=subject))
    assert found is not None
    assert found.subject_id == expected


def test_of_several_formats_plain_text_with_data_is_the_note() -> None:
    row = document(attachment("pdf", "application/pdf"), attachment("<p>plain</p>", "text/html"), attachment("plain"))
    assert note(row).text == "plain"
    assert note(row).detail.startswith("1 of its 3 attachments left out: none of its attachments is plain text")
    without = document({"contentType": "text/plain", "url": "x"}, attachment("<p>html", "text/html"))
    assert note(without).text == "\n  html", "what has its data here goes before what is elsewhere"


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("text/plain; charset=ISO-8859-1", "Übel".encode("latin-1"), "Übel"),
        ('TEXT/PLAIN; charset="utf-8"', "Übel".encode(), "Übel"),
        ("text/plain; charset=utf-16", "Übel".encode("utf-16"), "Übel"),
        ("text/plain;charset=windows-1252", b"\x80 5", "€ 5"),
    ],
)
def test_an_attachment_is_read_in_the_character_set_it_names(kind: str, data: bytes, text: str) -> None:
    assert note(document(attachment(data, kind))).text == text


@pytest.mark.parametrize(
    ("attached", "status"),
    [
        (attachment("x", "application/pdf"), Status.UNSUPPORTED),
        (attachment("x", "text/plain; charset=martian"), Status.UNSUPPORTED),
        ({"contentType": "text/plain", "url": "Binary/1"}, Status.UNSUPPORTED),
        ({"contentType": "text/plain"}, Status.EMPTY),
        ({"contentType": "text/plain", "data": "a?b"}, Status.UNREADABLE),
        (attachment(b"\xff\xfe\xfd"), Status.UNREADABLE),
        (attachment(b"\xff\xfe\x00", "text/plain; charset=utf-16"), Status.UNREADABLE),
        (attachment("  "), Status.EMPTY),
    ],
)
def test_a_document_without_text_says_why(attached: Any, status: Status) -> None:
    assert note(document(attached)).status == status


def test_a_document_without_contents_is_empty_and_strange_shapes_are_left_out() -> None:
    assert note(document()).status == Status.EMPTY
    for content in (None, "x", [None, {"attachment": "x"}]):
        assert note({**document(), "content": content}).status == Status.EMPTY


def test_bytes_that_are_no_text_are_replaced_where_the_spec_says_so() -> None:
    assert note(document(attachment(b"a\xffb")), errors="replace").text == "a\ufffdb"


@pytest.mark.parametrize(
    ("withdrawn", "detail"),
    [
        ({"status": "entered-in-error"}, "its status is entered-in-error"),
        ({"docStatus": "cancelled"}, "its docStatus is cancelled"),
        ({"docStatus": "Entered in Error"}, "its docStatus is entered-in-error"),
    ],
)
def test_what_was_withdrawn_has_no_text_and_keeps_its_time(withdrawn: dict[str, str], detail: str) -> None:
    found = note(document(attachment("x"), date="1970-01-02", **withdrawn))
    assert (found.text, found.status, found.time) == ("", Status.UNSUPPORTED, 86_400_000_000)
    assert detail in found.detail


def test_a_report_has_its_own_fields() -> None:
    row = {
        "resourceType": "DiagnosticReport",
        "presentedForm": [attachment("finding")],
        "effectiveDateTime": "1970-01-01T00:00:01Z",
        "code": {"coding": [{"code": "18748-4"}, {"display": "CT"}]},
    }
    found = note(row, resources=BOTH)
    assert (found.text, found.time, found.type) == ("finding", 1_000_000, "CT")


def test_the_pages_of_a_document_are_read_one_after_the_other_and_once() -> None:
    pages = [attachment("Page one: fever."), attachment("Page two: diabetes."), attachment("Page one:  fever.")]
    found = note(document(*pages))
    assert (found.text, found.detail) == ("Page one: fever.\n\nPage two: diabetes.", "")


def test_another_format_that_says_something_else_is_told_of() -> None:
    found = note(document(attachment("No fever."), attachment("<p>No fever. Diabetes.</p>", "text/html")))
    assert found.text == "No fever."
    assert (
        found.detail == "1 of its 2 attachments left out: another format of the document, whose words are not the same"
    )


@pytest.mark.parametrize("kind", ["text/rtf", "application/rtf", "text/plain", "text/rtf; charset=utf-8"])
def test_rich_text_becomes_text_by_its_type_or_its_first_characters(kind: str) -> None:
    assert note(document(attachment(r"{\rtf1\ansi No fever.\par}", kind))).text == "No fever.\n"


def test_a_bundle_that_no_reader_opened_is_a_row_that_says_so() -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": document(attachment("x"))}]}
    identity = dialect().identify(bundle)
    assert identity is not None
    assert identity.record_id is None
    assert note(bundle).status == Status.UNSUPPORTED
    assert "a Bundle" in note(bundle).detail
