"""`input.query`: what a DICOMweb service is searched for, checked against the dictionary and the levels of DICOM."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import product

from pydicom.datadict import dictionary_VR, tag_for_keyword

from cluster.storage import Key, Search
from schemas.errors import SpecError

Value = str | int
Query = Mapping[str, Value | Sequence[Value]]

STUDIES = (
    *("StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "ReferringPhysicianName", "PatientName"),
    *("PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID"),
    *("StudyDescription", "SOPClassesInStudy"),
)
SERIES = (
    *("Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime"),
    *("BodyPartExamined", "Laterality", "ProtocolName", "Manufacturer", "ManufacturerModelName", "StationName"),
    *("InstitutionName", "InstitutionalDepartmentName", "PerformedProcedureStepStartDate"),
    *("PerformedProcedureStepStartTime",),
)
INSTANCES = ("SOPClassUID", "SOPInstanceUID", "InstanceNumber", "ImageType", "ContentDate", "ContentTime")
"""By level: DICOM PS3.18, "Search Transaction", and what services commonly know beside it."""
_KNOWN = (*STUDIES, *SERIES, *INSTANCES)
_MOST = 10_000
"""Searches that lists of values may ask for at one level."""
_FORMS = {
    "DA": (re.compile(r"^(\d{8}|\d{8}-|-\d{8}|\d{8}-\d{8})$"), "a day 20240131 or a range 20240101-20240331"),
    "TM": (
        re.compile(r"^(?=.*\d)(\d{2,6}(\.\d{1,6})?)?(-(\d{2,6}(\.\d{1,6})?)?)?$"),
        "a time 0930, or 0800-1200",
    ),
    "UI": (re.compile(r"^[0-9.]{1,64}$"), "a UID, or a list of them"),
    "IS": (re.compile(r"^[+-]?\d{1,12}$"), "a whole number"),
}
_AS_NUMBER = frozenset({"DA", "IS"})
"""What YAML may read as a number and be meant so; 007 of a PatientID is 7 by then."""


def search_of(query: Query) -> Search:
    """The search of a query. Raises SpecError for what is no attribute, of no level, or no value of its kind."""
    keys = {name: _keys(name, value) for name, value in query.items()}
    return Search(*(_sets(keys, level) for level in (STUDIES, SERIES, INSTANCES)))


def _sets(keys: Mapping[str, Sequence[Key]], level: Sequence[str]) -> tuple[tuple[Key, ...], ...]:
    chosen = [keys[name] for name in level if name in keys]
    found = tuple(product(*chosen))
    if len(found) > _MOST:
        raise SpecError(
            f"input.query asks for {len(found):,} searches by its lists, and {_MOST:,} are the most: split the spec"
        )
    return found


def _keys(name: str, value: Value | Sequence[Value]) -> list[Key]:
    tag = tag_for_keyword(name)
    if name not in _KNOWN or tag is None:
        near = get_close_matches(name, _KNOWN, n=1)
        what = "no attribute of DICOM" if tag is None else "no attribute that services are searched by"
        raise SpecError(f"input.query: {name!r} is {what}{f'; did you mean {near[0]!r}?' if near else ''} ({_hint()})")
    values = [value] if isinstance(value, str | int) else list(value)
    if not values:
        raise SpecError(f"input.query: {name} is an empty list, which nothing matches: leave it out or fill it")
    vr = dictionary_VR(tag)
    return [Key(name, f"{tag:08X}", vr, _text(name, vr, one)) for one in dict.fromkeys(values)]


def _text(name: str, vr: str, value: Value) -> str:
    if isinstance(value, int) and vr not in _AS_NUMBER:
        raise SpecError(f"input.query: {name} is read as a number: write it in quotes")
    text = str(value).strip()
    if not text or "\\" in text or not text.isprintable():
        raise SpecError(f"input.query: {name} is empty, or has a backslash or control character: write a list")
    form = _FORMS.get(vr)
    if form is not None and not form[0].fullmatch(text):
        raise SpecError(f"input.query: {name} has to be {form[1]}")
    return text


def _hint() -> str:
    return f"known: {', '.join(_KNOWN)}"
