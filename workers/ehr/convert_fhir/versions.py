"""What a whole export has to know before any of it is converted: its resources, and the codes that others refer to."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from workers.ehr.convert_fhir.coding import Definitions, Vocabulary, finder_of, name_of
from workers.ehr.convert_fhir.places import Place, find, steps_of
from workers.ehr.fhir.bundles import identity_of, records_of
from workers.ehr.fhir.line import Line
from workers.ehr.fhir.versions import SEEN, seen_row

Scanned = tuple[pl.DataFrame, list[dict[str, Any]]]
"""Every record that has an id, and `reference`, `code`, `description` of what others refer to for its code."""


def scanned(lines: Iterable[Line], file: int, defines: Mapping[str, str], vocabulary: Vocabulary) -> Scanned:
    """What a whole export has to know of some lines before any of it is converted."""
    rows: list[tuple[Any, ...]] = []
    defined: list[dict[str, Any]] = []
    for record in (record for line in lines for record in records_of(line)):
        key, path = identity_of(record), defines.get(record.kind or "")
        if key is None:
            continue
        rows.append(seen_row(record, key, file))
        if path is not None and record.resource is not None:
            defined += _defined(key, record.resource, path, vocabulary)
    return pl.DataFrame(rows, schema=SEEN, orient="row"), defined


def _defined(key: str, resource: Mapping[str, Any], path: str, vocabulary: Vocabulary) -> Iterator[dict[str, Any]]:
    whole = Place(resource, ())
    place = find(whole, steps_of(path))
    named = name_of(place, finder_of(whole, whole, {}), vocabulary) if place is not None else None
    if named is not None:
        yield {"reference": key, "code": named.name, "description": named.said}


def definitions(rows: Iterable[Mapping[str, Any]]) -> Definitions:
    """What `defined_in` gave, the last of several first."""
    return {row["reference"]: (row["code"], row["description"]) for row in rows}
