"""The files of a collection of notes, and what they are: found out once, when it is planned."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from cluster.storage import ObjectInfo, StorageSettings, Store
from schemas.errors import SpecError
from workers.ehr.notes.csv_file import Csv
from workers.ehr.notes.layout import OMOP_COLUMNS
from workers.ehr.notes.settings import NotesFormat, NotesInput
from workers.reading.lines import blocks, lines
from workers.reading.listing import listed, locate, named_file, nothing_fits
from workers.reading.parquet import parquet_schema

Container = Literal["parquet", "csv", "ndjson", "json"]

_ENDINGS: dict[str, Container] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".ndjson": "ndjson",
    ".ndjson.gz": "ndjson",
    ".jsonl": "ndjson",
    ".jsonl.gz": "ndjson",
    ".json": "json",
    ".json.gz": "json",
}
_OF_FORMAT: dict[str, tuple[Container, ...]] = {
    "parquet": ("parquet",),
    "csv": ("csv",),
    "ndjson": ("ndjson",),
    "omop": ("parquet", "csv"),
    "fhir": ("ndjson", "json"),
}


_FIRST_BYTES = 4096


@dataclass(frozen=True)
class Found:
    """What the input is: part of a run's state, so that workers take it as the planner did."""

    root: str
    name: str | None
    format: NotesFormat

    def container(self, key: str) -> Container:
        """How this file is written: by its name, else as the format usually is."""
        kind = container_of(key)
        # A file of any name may be named; `.json` says something of FHIR alone.
        return _OF_FORMAT[self.format][0] if kind is None or (kind == "json" and self.format != "fhir") else kind


def container_of(key: str) -> Container | None:
    """The kind of file by the ending of its name; None for one that holds no notes."""
    lower = key.lower()
    return next((kind for ending, kind in _ENDINGS.items() if lower.endswith(ending)), None)


def find_input(source: NotesInput, storage: StorageSettings) -> Found:
    """Look at the input, and with `format: auto` into its first file. Raises SpecError."""
    store, name = locate(source.uri, storage)
    if source.format != "auto":
        return Found(store.uri, name, source.format)
    key = name or next((info.key for info in listed(store, source.glob) if _may_hold_notes(store, info)), None)
    kind = None if key is None else container_of(key)
    if key is None or kind is None:
        raise nothing_fits(
            store,
            f"no file whose name says that it holds notes ({', '.join(_ENDINGS)}): correct it, or name input.format",
        )
    return Found(store.uri, name, _sniff(store, key, kind, source))


def _may_hold_notes(store: Store, info: ObjectInfo) -> bool:
    """Whether a file tells the format of them all. A file of JSON does where it begins as FHIR does."""
    kind = container_of(info.key)
    return kind is not None and (kind != "json" or _begins_as_fhir(store, info.key))


def _begins_as_fhir(store: Store, key: str) -> bool:
    start = next(_content(store, key), b"")[:_FIRST_BYTES]
    return b'"resourceType"' in start


def note_files(store: Store, found: Found, source: NotesInput) -> Iterator[ObjectInfo]:
    """The files to read, by key. Raises SpecError where files of several kinds lie together."""
    if found.name is not None:
        head = named_file(store, found.name)
        if found.container(found.name) not in _OF_FORMAT[found.format]:
            named = found.container(found.name)
            raise SpecError(f"input.format is {found.format}, and the name of the file says {named}: correct one")
        yield head
        return
    wanted = _OF_FORMAT[found.format]
    kinds: set[Container] = set()
    for info in listed(store, source.glob):
        kind = container_of(info.key)
        is_other = found.format == "omop" and source.glob is None and not _is_note_table(info.key)
        if kind is None or is_other or (kind == "json" and kind not in wanted):
            continue
        if kind in wanted:
            kinds.add(kind)
            yield info
        elif source.format == "auto":
            raise SpecError(f"input.uri holds {kind} files beside {found.format}: name input.format or input.glob")
        if len(kinds) > 1 and found.format == "omop":
            raise SpecError("input.uri holds the table NOTE as Parquet and as CSV: name one with input.glob")
    if not kinds:
        raise nothing_fits(store, f"no files of format {found.format}: correct it, input.format or input.glob")


def _is_note_table(key: str) -> bool:
    """`NOTE.csv`, `omop/note.parquet`, `note/part-0.parquet`."""
    return any(part.partition(".")[0].lower() == "note" for part in PurePosixPath(key).parts)


def _sniff(store: Store, key: str, kind: Container, source: NotesInput) -> NotesFormat:
    if kind == "json":
        if _begins_as_fhir(store, key):
            return "fhir"
        raise SpecError(f"{key!r} is JSON and no FHIR: write a note a line (.ndjson), or name input.format")
    if kind == "ndjson":
        return "fhir" if _first_is_resource(store, key, source) else "ndjson"
    names = parquet_schema(store, key).names if kind == "parquet" else csv_columns(store, key, source)
    return "omop" if source.text is None and {name.lower() for name in names} >= OMOP_COLUMNS else kind


def csv_columns(store: Store, key: str, source: NotesInput) -> tuple[str, ...]:
    """The header of a CSV file. Raises SpecError."""
    syntax = Csv(source, key)
    syntax.read_header(_content(store, key))
    return syntax.columns


def _first_is_resource(store: Store, key: str, source: NotesInput) -> bool:
    line = next(lines(_content(store, key), source.max_bytes), None)
    try:
        value = json.loads(line.data or b"") if line else None
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "resourceType" in value


def _content(store: Store, key: str) -> Iterator[bytes]:
    head = store.head(key)
    return iter(()) if head is None else blocks(store, key, head.size, head.etag)
