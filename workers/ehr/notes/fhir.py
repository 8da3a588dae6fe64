"""Notes in FHIR resources: DocumentReference and DiagnosticReport of a bulk export (R4 and later).

The contents of one resource may be the same document in several formats, of which the best is read, or its pages,
which are read one after the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.documents.attachments import SAME_TEXT, Document, choose, read_attachment
from workers.ehr.meds.said import plain_word
from workers.ehr.notes.note import Identity, Note, as_text, first_of, make_note, refused
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Row

_TIMES = {"DocumentReference": ("date", "created"), "DiagnosticReport": ("issued", "effectiveDateTime")}
_WITHDRAWN = {
    "DocumentReference": (("status", ("entered-in-error",)), ("docStatus", ("entered-in-error", "cancelled"))),
    "DiagnosticReport": (("status", ("entered-in-error", "cancelled")),),
}
"""Values of fields that say that the text does not hold."""


class FhirDialect:
    """Implements `workers.ehr.notes.text_file.Dialect`.

    `record_id` is the resource's id; where several kinds of resource are read it is `<kind>/<id>`. `subject_id` is the
    last part of the subject's reference. HTML becomes text of the same length (`workers.ehr.documents.html`).
    """

    def __init__(self, source: NotesInput) -> None:
        self._source = source

    def identify(self, row: Row) -> Identity | None:
        """None for a resource of another kind."""
        kind = row.get("resourceType")
        if kind == "Bundle":
            # Those of a file come resource by resource; this one lies in Bundles without end, which has to be told.
            return Identity(None, None, tuple(None for _ in self._source.carry))
        if kind not in self._source.resources:
            return None
        own = as_text(row.get("id"))
        record_id = f"{kind}/{own}" if own and len(self._source.resources) > 1 else own
        return Identity(record_id, _subject(row.get("subject")), tuple(as_text(row.get(n)) for n in self._source.carry))

    def note(self, row: Row) -> Note:
        """Its text, when it was written, and what kind of document it is."""
        kind = as_text(row.get("resourceType")) or ""
        if kind == "Bundle":
            return refused(Status.UNSUPPORTED, "a Bundle in Bundles without end")
        time = as_text(first_of([row.get(name) for name in _TIMES.get(kind, ())]))
        label = _label(row.get("type") if kind == "DocumentReference" else row.get("code"))
        try:
            _refuse_withdrawn(kind, row)
            text, left_out = self._text(list(_attachments(row)))
        except RecordError as error:
            found = make_note(None, time, label, self._source)
            return Note("", found.time, found.type, error.status, error.detail)
        note = make_note(text, time, label, self._source)
        if not left_out or note.status is not None:
            return note
        return replace(note, detail="; ".join(part for part in (note.detail, left_out) if part))

    def _text(self, attachments: list[Mapping[str, Any]]) -> tuple[str | None, str]:
        """The texts of all attachments that say something of their own, and what is left out; None without any.

        Raises RecordError where none can be read.
        """
        if not attachments:
            return None, ""
        documents: list[Document] = []
        errors: list[RecordError] = []
        for item in attachments:
            try:
                documents.append(read_attachment(item, self._source.errors == "replace"))
            except RecordError as error:
                errors.append(error)
        if not documents:
            # What lies outside or is damaged says more than a type that is not read.
            raise max(errors, key=lambda error: _WORTH.get(error.status, 0))
        kept, left_out = choose(documents)
        reasons = [error.detail for error in errors] + [why for why in left_out.values() if why != SAME_TEXT]
        left = f"{len(reasons)} of its {len(attachments)} attachments left out: {reasons[0]}" if reasons else ""
        return "\n\n".join(documents[at].blanked() for at in kept), left


_WORTH = {Status.UNREADABLE: 3, Status.EMPTY: 1, Status.UNSUPPORTED: 2}


def _refuse_withdrawn(kind: str, row: Row) -> None:
    """Raises RecordError (unsupported) for what its author took back."""
    for name, values in _WITHDRAWN.get(kind, ()):
        # Not looked up in a set: a value may be of any shape.
        said = row.get(name)
        plain = plain_word(said) if type(said) is str else None
        found = next((value for value in values if plain == value), None)
        if found is not None:
            raise RecordError(Status.UNSUPPORTED, f"it was withdrawn: its {name} is {found}")


def _attachments(row: Row) -> Iterator[Mapping[str, Any]]:
    """The attachments of either kind of resource; what is not shaped as FHIR says is left out."""
    contents = row.get("content")
    for content in contents if isinstance(contents, list) else []:
        attachment = content.get("attachment") if isinstance(content, Mapping) else None
        if isinstance(attachment, Mapping):
            yield attachment
    forms = row.get("presentedForm")
    yield from (form for form in (forms if isinstance(forms, list) else []) if isinstance(form, Mapping))


def _subject(value: Any) -> str | None:
    reference = value.get("reference") if isinstance(value, Mapping) else None
    if not isinstance(reference, str) or not reference:
        return None
    if reference.startswith("urn:"):
        return as_text(reference.rpartition(":")[2])
    # A reference may name a version: Patient/1/_history/2.
    return as_text(reference.partition("/_history/")[0].rstrip("/").rpartition("/")[2].removeprefix("#"))


def _label(value: Any) -> str | None:
    """The text of a CodeableConcept, else the display or code of its first coding that has one."""
    if not isinstance(value, Mapping):
        return None
    codings = value.get("coding")
    listed = [item for item in (codings if isinstance(codings, list) else []) if isinstance(item, Mapping)]
    found = first_of(
        [value.get("text"), *(item.get("display") for item in listed), *(item.get("code") for item in listed)]
    )
    return as_text(found)
