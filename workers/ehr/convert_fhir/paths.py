"""Whose a resource is: ids of patients and references to them."""

import re
from typing import Any

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def patient_of(reference: Any) -> tuple[str | None, str]:
    """The id in a reference to a patient; else None and why.

    `Patient/1`, `https://host/fhir/Patient/1/_history/2` and `urn:uuid:1` all give the id alone: a bulk export comes
    from one server, where ids are unique.
    """
    if type(reference) is not str:
        return None, "no subject"
    if reference.startswith("urn:uuid:"):
        reference = "Patient/" + reference.removeprefix("urn:uuid:")
    if reference.startswith("#"):
        return None, "its subject is inside the resource itself"
    segments = reference.partition("/_history/")[0].split("/")
    if len(segments) < 2 or segments[-2] != "Patient":
        return None, "its subject is not a patient"
    key = segments[-1]
    return (key, "") if _ID.fullmatch(key) else (None, "its reference to a patient is not one")


def patient_id(value: Any) -> tuple[str | None, str]:
    """A patient's own id; else None and why."""
    if type(value) is not str:
        return None, "no id"
    value = value.removeprefix("urn:uuid:")
    return (value, "") if _ID.fullmatch(value) else (None, "its id is not one")
