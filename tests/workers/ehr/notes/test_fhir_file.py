"""Notes in Bundles: on a line, in a file of JSON, pretty-printed, nested; each is read at its own bytes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cluster.storage import StorageSettings
from schemas.status import Status
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.note import Note
from workers.ehr.notes.planning import NoteRecords
from workers.ehr.notes.settings import NotesInput

BOTH = ["DocumentReference", "DiagnosticReport"]


def document(own: str | None, text: str, patient: str = "Patient/p1", **more: Any) -> dict[str, Any]:
    attachment = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
    ids = {"id": own} if own else {}
    subject = {"reference": patient}
    return {
        "resourceType": "DocumentReference",
        **ids,
        "subject": subject,
        "content": [{"attachment": attachment}],
        **more,
    }


def report(own: str, text: str) -> dict[str, Any]:
    form = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
    return {
        "resourceType": "DiagnosticReport",
        "id": own,
        "subject": {"reference": "Patient/p2"},
        "presentedForm": [form],
    }


def bundle(kind: str, *entries: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "total": len(entries), "entry": list(entries)}


def read(folder: Path, **settings: Any) -> list[tuple[str | None, str | None, Note]]:
    """Record, subject and note of each planned record, in their order."""
    source = NotesInput.model_validate({"collection": "notes", "uri": str(folder), **settings})
    records = NoteRecords(source, StorageSettings())
    assert records.found.format == "fhir"
    fetcher = NoteFetcher(source, records.found, StorageSettings())
    found = []
    for batch in records.batches():
        rows = batch.to_pylist()
        notes = fetcher.fetch(rows)
        found += [(row["record_id"], row["subject_id"], note) for row, note in zip(rows, notes, strict=True)]
    return found


PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Müller"}]}


@pytest.mark.parametrize("kind", ["transaction", "searchset", "collection", "batch", "history", "document", "message"])
@pytest.mark.parametrize("written", ["line", "document", "pretty", "pretty.gz"])
def test_the_notes_of_a_bundle_are_records_of_their_own(tmp_path: Path, kind: str, written: str) -> None:
    whole = bundle(
        kind,
        {"resource": PATIENT},
        {"resource": document("d1", "No fever. Übelkeit.")},
        {"resource": report("r1", "Clear lungs.")},
        {"response": {"status": "204"}},
        {"resource": bundle("collection", {"resource": document("d2", "Well.")})},
    )
    text = json.dumps(whole, ensure_ascii=False, indent=2 if "pretty" in written else None)
    name = {"line": "notes.ndjson", "document": "notes.json", "pretty": "p.json", "pretty.gz": "p.json.gz"}[written]
    body = text.encode() + (b"\n" + json.dumps(document("d3", "Late.")).encode() if written != "line" else b"\n")
    (tmp_path / name).write_bytes(gzip.compress(body) if name.endswith("gz") else body)
    found = read(tmp_path, resources=BOTH)
    wanted = [
        ("DocumentReference/d1", "p1", "No fever. Übelkeit."),
        ("DiagnosticReport/r1", "p2", "Clear lungs."),
        ("DocumentReference/d2", "p1", "Well."),
        *([("DocumentReference/d3", "p1", "Late.")] if written != "line" else []),
    ]
    assert [(record, subject, note.text) for record, subject, note in found] == wanted
    assert {note.status for *_, note in found} == {None}


def test_pages_of_a_search_are_read_one_after_the_other(tmp_path: Path) -> None:
    for page in range(3):
        entries = [{"fullUrl": f"https://h/{page}{n}", "resource": document(f"d{page}{n}", f"{n}")} for n in range(2)]
        (tmp_path / f"page-{page}.json").write_text(json.dumps(bundle("searchset", *entries)))
    assert [record for record, *_ in read(tmp_path)] == ["d00", "d01", "d10", "d11", "d20", "d21"]


def test_what_is_new_in_a_transaction_has_the_id_of_its_url_and_the_patient_that_it_names(tmp_path: Path) -> None:
    whole = bundle(
        "transaction",
        {"fullUrl": "urn:uuid:aaa", "resource": {"resourceType": "Patient", "id": "p9"}},
        {"fullUrl": "urn:uuid:bbb", "resource": document(None, "New.", "urn:uuid:aaa")},
    )
    (tmp_path / "b.json").write_text(json.dumps(whole))
    ((record, subject, note),) = read(tmp_path)
    assert (record, subject, note.text) == ("bbb", "p9", "New.")


def test_an_entry_and_a_file_that_cannot_be_read_are_rows_that_say_so(tmp_path: Path) -> None:
    whole = bundle("batch", {"resource": document("d1", "One.")}, "no entry", 5, {"resource": document("d2", "Two.")})
    (tmp_path / "a.ndjson").write_text(json.dumps(whole) + "\n")
    (tmp_path / "b.json").write_text(json.dumps(document("d3", "Three.")) + '{"resourceType": "Bundle", "entry": [')
    found = {record: (note.status, note.text) for record, _, note in read(tmp_path)}
    assert found == {
        "d1": (None, "One."),
        "a.ndjson#1.1": (Status.UNREADABLE, ""),
        "a.ndjson#1.2": (Status.UNREADABLE, ""),
        "d2": (None, "Two."),
        "d3": (None, "Three."),
        "b.json#1": (Status.UNREADABLE, ""),
    }


def test_a_document_that_is_longer_than_a_record_may_be_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(bundle("batch", {"resource": document("d1", "x" * 900)})))
    ((record, _, note),) = read(tmp_path, max_bytes=500)
    assert (record, note.status) == ("a.json#1", Status.TOO_LARGE)


def test_the_manifest_and_other_json_beside_an_export_hold_no_note(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"made": "by hand"}))
    (tmp_path / "b.ndjson").write_text(json.dumps(document("d1", "One.")) + "\n")
    (tmp_path / "manifest.json").write_text(json.dumps({"transactionTime": "2024", "output": []}))
    assert [record for record, *_ in read(tmp_path)] == ["d1"]


def test_names_that_stand_twice_and_escapes_are_read_as_every_reader_of_json_does(tmp_path: Path) -> None:
    kept = json.dumps(document("d1", "Kept.")).replace('"id"', '"i\\u0064"')
    lost = json.dumps(document("d0", "Lost."))
    entry = f'{{"resource": {lost}, "resource" : {kept} }}'
    (tmp_path / "a.json").write_text(f'\ufeff {{ "entry": [], "resourceType":"Bundle", "entry" :[ {entry} ] }} ')
    assert [(record, note.text) for record, _, note in read(tmp_path)] == [("d1", "Kept.")]


def version(number: str, text: str, day: int = 0, own: str = "d1", **more: Any) -> dict[str, Any]:
    when = {"lastUpdated": f"2024-01-{day:02}T00:00:00Z"} if day else {}
    return {"resource": document(own, text, meta={"versionId": number, **when}, **more)}


def deletion(key: str, day: int = 0) -> dict[str, Any]:
    when = {"response": {"lastModified": f"2024-01-{day:02}T00:00:00Z"}} if day else {}
    return {"request": {"method": "DELETE", "url": key}, **when}


def test_the_newest_of_several_versions_is_scored_and_the_others_say_so(tmp_path: Path) -> None:
    history = bundle("history", version("3", "Third.", 3), version("2", "Second.", 2))
    write(tmp_path, "a.ndjson", bundle("transaction", version("1", "First.", 1), {"resource": document("d2", "Two.")}))
    (tmp_path / "b.json").write_text(json.dumps(history))
    found = read(tmp_path)
    assert [(own, note.text or note.detail, note.status) for own, _, note in found] == [
        ("a.ndjson#1.0", "repeated: a newer version counts", Status.UNSUPPORTED),
        ("d2", "Two.", None),
        ("d1", "Third.", None),
        ("b.json#1.1", "repeated: a newer version counts", Status.UNSUPPORTED),
    ]
    assert {subject for _, subject, _ in found} == {"p1"}


@pytest.mark.parametrize("kind", ["history", "transaction", "batch"])
def test_a_document_that_was_deleted_since_is_not_scored(tmp_path: Path, kind: str) -> None:
    first = bundle(kind, version("1", "Gone.", 1), version("1", "Again.", 1, "d2"), version("7", "Other.", 1, "d3"))
    last = bundle(
        kind, deletion("DocumentReference/d1", 2), deletion("http://x/DocumentReference/d2"), deletion("Patient/d3")
    )
    again = bundle(kind, version("2", "Back.", 3, "d2"))
    write(tmp_path, "a.ndjson", first, last, again)
    assert [(own, note.text or note.detail) for own, _, note in read(tmp_path)] == [
        ("a.ndjson#1.0", "deleted since"),
        ("a.ndjson#1.1", "repeated: a newer version counts"),
        ("d3", "Other."),
        ("d2", "Back."),
    ]


def test_a_version_that_was_withdrawn_is_the_newest_and_no_older_one_takes_its_place(tmp_path: Path) -> None:
    write(tmp_path, "a.ndjson", version("1", "Wrong patient.")["resource"])
    write(tmp_path, "b.ndjson", version("2", "Wrong patient.", status="entered-in-error")["resource"])
    assert [(own, note.status, note.detail) for own, _, note in read(tmp_path)] == [
        ("a.ndjson#1", Status.UNSUPPORTED, "repeated: a newer version counts"),
        ("d1", Status.UNSUPPORTED, "it was withdrawn: its status is entered-in-error"),
    ]


def test_documents_of_one_id_that_nothing_tells_apart_stay_to_be_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.ndjson", document("d1", "Of one hospital."), document("d1", "Of another."))
    assert [own for own, _, _ in read(tmp_path)] == ["d1", "d1"]


def test_kinds_that_are_not_read_and_reports_of_the_same_id_are_others(tmp_path: Path) -> None:
    one, two = version("1", "One.", 1), {"resource": {**report("d1", "Two."), "meta": {"versionId": "2"}}}
    write(tmp_path, "a.ndjson", bundle("collection", one, two))
    assert [(own, note.text) for own, _, note in read(tmp_path, resources=BOTH)] == [
        ("DocumentReference/d1", "One."),
        ("DiagnosticReport/d1", "Two."),
    ]
    assert [own for own, _, _ in read(tmp_path)] == ["d1"]


def write(folder: Path, name: str, *values: Any) -> None:
    (folder / name).write_text("".join(json.dumps(value) + "\n" for value in values))
