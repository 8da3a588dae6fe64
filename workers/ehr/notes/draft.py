"""A first look at notes, for a spec."""

from collections.abc import Mapping
from typing import Any

from cluster.storage import StorageSettings
from workers.drafts import SUBJECTS, Draft, chosen, first_table

_COLUMNS = {
    "record_id": ("note_id", "record_id", "document_id", "doc_id", "report_id", "row_id", "id"),
    "subject_id": SUBJECTS,
    "time": ("note_time", "note_datetime", "charttime", "chartdate", "note_date", "time", "date", "datetime"),
    "type": ("note_type", "category", "type"),
    "text": ("text", "note_text", "body", "report", "content", "note"),
}


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """Which columns hold what; tables of OMOP and resources of FHIR are known without."""
    table = first_table(uri, storage)
    if "resourceType" in table.columns:
        return Draft({"format": "fhir"})
    if {"note_id", "person_id", "note_text"} <= {name.lower() for name in table.columns}:
        return Draft({"format": "omop"}, table.columns)
    keys: dict[str, Any] = chosen(table.columns, _COLUMNS)
    if table.delimiter is not None:
        keys["delimiter"] = table.delimiter
    missing = [f"no column is called like the {key}: name one" for key in ("record_id", "text") if key not in keys]
    return Draft(keys, [name for name in table.columns if name not in keys.values()], missing)
