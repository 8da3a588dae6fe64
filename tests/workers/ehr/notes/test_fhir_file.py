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
