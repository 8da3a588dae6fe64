"""What an input that nobody has described yet looks like, so that a first spec for it can be written.

A room may have a module `draft` with `draft`, a `Drafter`; without one every key that must be there is asked for.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.storage import StorageSettings, Store
from schemas.errors import SpecError
from workers.reading.csv_records import delimiter_of
from workers.reading.gzip import InflatedFile, is_gzip
from workers.reading.listing import listed, locate
from workers.reading.parquet import parquet_schema

_HEAD = 1 << 16
"""Bytes in which the first line of a text file has to end."""
_TEXTS = (".csv", ".tsv", ".ndjson", ".jsonl")
TABLES = (".parquet", *(ending + packed for ending in _TEXTS for packed in ("", ".gz")))
_SEPARATORS = ",;\t|"

SUBJECTS = ("subject_id", "patient_id", "person_id", "PatientID", "patient", "subject", "mrn")
"""Names that columns of subjects often have."""


@dataclass(frozen=True)
class Table:
    """The first table of an input. `name` is its key, `delimiter` is set where it is not what the name says."""

    name: str = ""
    columns: tuple[str, ...] = ()
    delimiter: str | None = None


@dataclass(frozen=True)
class Draft:
    """What was found. `keys` are those of `input:` that the spec needs beside the uri, `columns` those that can be
    carried, `remarks` what whoever reads the spec has to know."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[str] = ()
    remarks: Sequence[str] = ()


Drafter = Callable[[str, StorageSettings, Mapping[str, Any]], Draft]
"""`draft.draft` of a room, `(uri, storage, given)`; `given` are keys that a person has named already. Raises SpecError
where nothing can be read at the uri."""


def first_table(uri: str, storage: StorageSettings) -> Table:
    """The file at the uri, or the first of its prefix that is a table; one without a name where there is none."""
    store, name = locate(uri, storage)
    if name is None:
        name = next((info.key for info in listed(store, endings=TABLES)), None)
    if name is None or not name.lower().endswith(TABLES):
        return Table(name or "")
    if name.lower().endswith(".parquet"):
        return Table(name, tuple(parquet_schema(store, name).names))
    line = _first_line(store, name)
    if "json" in name.lower():
        return Table(name, _keys(line))
    usual = delimiter_of(name)
    found = max(_SEPARATORS, key=lambda one: (line.count(one), one == usual))
    return Table(name, tuple(next(csv.reader([line], delimiter=found), [])), None if found == usual else found)


def pick(columns: Iterable[str], *names: str) -> str | None:
    """The first column that has one of these names, whatever its case."""
    by_lower = {column.lower(): column for column in reversed(list(columns))}
    return next((by_lower[name.lower()] for name in names if name.lower() in by_lower), None)


def chosen(columns: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """For each key of `input:` the column that serves for it, where one of the names that it may have is there."""
    found = {key: pick(columns, *names) for key, names in wanted.items()}
    return {key: name for key, name in found.items() if name is not None}


def _first_line(store: Store, name: str) -> str:
    with store.open_reader(name) as file:
        body = InflatedFile(file).read(_HEAD) if is_gzip(name) else file.read(_HEAD)
    line = (body or b"").removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    return line.decode("utf-8", errors="replace").rstrip("\r")


def _keys(line: str) -> tuple[str, ...]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise SpecError("the first line of the input is no JSON: correct the file, or name its format") from None
    return tuple(found) if isinstance(found, dict) else ()
