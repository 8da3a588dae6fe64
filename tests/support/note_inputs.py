"""Inputs of notes for tests, and what planning and reading alone make of them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import StorageSettings
from jobs.planning.writer import write_plan
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.note import Note
from workers.ehr.notes.planning import NoteRecords
from workers.ehr.notes.settings import NotesInput


def a_source(uri: Path | str, **settings: Any) -> NotesInput:
    """`input:` of a spec."""
    return NotesInput(collection="notes", uri=str(uri), **settings)


def planned(source: NotesInput) -> pa.Table:
    """All records, in order."""
    records = NoteRecords(source, StorageSettings())
    return pa.Table.from_batches(records.batches(), records.schema)


def checked_plan(source: NotesInput, folder: Path) -> None:
    """Plan as a run does, doubled and null ids refused."""
    records = NoteRecords(source, StorageSettings())
    write_plan(records.batches(), records.schema, folder / "plan.parquet", 1000)


def fetched(source: NotesInput, table: pa.Table, at_once: int = 1000) -> list[Note]:
    """The notes of planned records, so many asked for at a time."""
    fetcher = NoteFetcher(source, NoteRecords(source, StorageSettings()).found, StorageSettings())
    rows = table.select(["uri", "member", "size", "etag"]).to_pylist()
    return [note for start in range(0, len(rows), at_once) for note in fetcher.fetch(rows[start : start + at_once])]


def read(uri: Path | str, **settings: Any) -> dict[str, Note]:
    """Every note by its record_id."""
    source = a_source(uri, **settings)
    table = planned(source)
    return dict(zip(table["record_id"].to_pylist(), fetched(source, table), strict=True))


def some_notes(count: int = 60) -> pl.DataFrame:
    """Texts as notes have them: line breaks of both kinds, quotes, commas, letters beyond ASCII, empty and null."""
    texts = [f'Pt said "no pain", T 38.{number % 10} °C\nPlan:\r\n\t- café, {number}' for number in range(count)]
    texts[3], texts[4] = "", " \n\t "
    return pl.DataFrame(
        {
            "note_id": [f"n-{number:04d}" for number in range(count)],
            "subject_id": [str(number // 3) for number in range(count)],
            "note_time": [f"2024-03-{number % 28 + 1:02d}T08:15:00+02:00" for number in range(count)],
            "note_type": ["nursing" if number % 2 else "discharge" for number in range(count)],
            "text": [None if number == 5 else text for number, text in enumerate(texts)],
            "site": ["north", "south"] * (count // 2),
        }
    )


def write_notes(frame: pl.DataFrame, path: Path) -> Path:
    """In the format that the name says."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    path.parent.mkdir(parents=True, exist_ok=True)
    match plain.suffix:
        case ".parquet":
            frame.write_parquet(plain, row_group_size=17)
        case ".csv":
            frame.write_csv(plain)
        case ".tsv":
            frame.write_csv(plain, separator="\t")
        case _:
            plain.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in frame.to_dicts()))
    if plain != path:
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    return path


def document(number: int, *contents: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A FHIR DocumentReference with these attachments."""
    return {
        "resourceType": "DocumentReference",
        "id": f"doc-{number}",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]},
        "subject": {"reference": f"Patient/p{number}"},
        "date": "2024-03-01T10:00:00.123+01:00",
        "content": [{"attachment": dict(content)} for content in contents],
        **more,
    }


def attachment(text: str, kind: str = "text/plain", encoding: str = "utf-8") -> dict[str, str]:
    """A FHIR attachment that holds the text in base64."""
    return {"contentType": kind, "data": base64.b64encode(text.encode(encoding)).decode()}


def write_lines(path: Path, objects: Sequence[Any]) -> Path:
    """NDJSON; what is bytes already is written as it is."""
    lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in objects]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
