"""Notes in FHIR resources: DocumentReference and DiagnosticReport of a bulk export (R4 and later).

The contents of one resource are the same document in several formats, so the best of them is the note.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.notes.html import blank_html
from workers.ehr.notes.note import Identity, Note, as_text, first_of, make_note
from workers.ehr.notes.settings import NotesInput
from workers.ehr.notes.text_file import Row, unreadable

_HTML = ("text/html", "application/xhtml+xml")
_KINDS = ("text/plain", *_HTML)
"""Best first."""
_CHARSETS = {
    "": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
}
_TIMES = {"DocumentReference": ("date", "created"), "DiagnosticReport": ("issued", "effectiveDateTime")}
_WITHDRAWN = {
    "DocumentReference": (("status", ("entered-in-error",)), ("docStatus", ("entered-in-error", "cancelled"))),
    "DiagnosticReport": (("status", ("entered-in-error", "cancelled")),),
}
"""Values of fields that say that the text does not hold."""


class FhirDialect:
    """Implements `workers.ehr.notes.text_file.Dialect`.

    `record_id` is the resource's id; where several kinds of resource are read it is `<kind>/<id>`. `subject_id` is the
    last part of the subject's reference. HTML becomes text of the same length (`workers.ehr.notes.html`).
    """

    def __init__(self, source: NotesInput) -> None:
        self._source = source

    def identify(self, row: Row) -> Identity | None:
        """None for a resource of another kind."""
        kind = row.get("resourceType")
        if kind not in self._source.resources:
            return None
        own = as_text(row.get("id"))
        record_id = f"{kind}/{own}" if own and len(self._source.resources) > 1 else own
        return Identity(record_id, _subject(row.get("subject")), tuple(as_text(row.get(n)) for n in self._source.carry))

    def note(self, row: Row) -> Note:
        """Its best text, when it was written, and what kind of document it is."""
        kind = as_text(row.get("resourceType")) or ""
        time = as_text(first_of([row.get(name) for name in _TIMES.get(kind, ())]))
        label = _label(row.get("type") if kind == "DocumentReference" else row.get("code"))
        try:
            _refuse_withdrawn(kind, row)
            text = self._text(list(_attachments(row)))
        except RecordError as error:
            found = make_note(None, time, label, self._source)
            return Note("", found.time, found.type, error.status, error.detail)
        return make_note(text, time, label, self._source)

    def _text(self, attachments: list[Mapping[str, Any]]) -> str | None:
        """The text of the best attachment; None where there is none at all."""
        if not attachments:
            return None
        readable = [item for item in attachments if _mime(item)[0] in _KINDS]
        if not readable:
            raise RecordError(Status.UNSUPPORTED, "none of its attachments is plain text or HTML")
        best = min(readable, key=lambda item: (item.get("data") is None, _KINDS.index(_mime(item)[0])))
        if best.get("data") is None:
            detail = "its text lies outside the export" if best.get("url") else "its attachment has no data"
            raise RecordError(Status.UNSUPPORTED if best.get("url") else Status.EMPTY, detail)
        text = self._decoded(best)
        return blank_html(text) if _mime(best)[0] in _HTML else text

    def _decoded(self, attachment: Mapping[str, Any]) -> str:
        charset = _CHARSETS.get(_mime(attachment)[1])
        if charset is None:
            raise RecordError(Status.UNSUPPORTED, "the character set of its attachment is not known")
        try:
            data = base64.b64decode(str(attachment["data"]).translate(_NO_BLANKS), validate=True)
        except (binascii.Error, ValueError):
            raise unreadable("its attachment is not base64") from None
        try:
            # Bytes that are no text are left as half characters, but where the codec has no way to.
            lenient = "strict" if charset == "utf-16" else "surrogateescape"
            return data.decode(charset, "replace" if self._source.errors == "replace" else lenient)
        except UnicodeDecodeError:
            raise unreadable(f"its attachment is not {charset}") from None


_NO_BLANKS = str.maketrans("", "", " \t\r\n")


def _refuse_withdrawn(kind: str, row: Row) -> None:
    """Raises RecordError (unsupported) for what its author took back."""
    for name, values in _WITHDRAWN.get(kind, ()):
        # Not looked up in a set: a value may be of any shape.
        found = next((value for value in values if row.get(name) == value), None)
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


def _mime(attachment: Mapping[str, Any]) -> tuple[str, str]:
    """Type and charset of `text/plain; charset=utf-8`, in lower case."""
    kind, *parameters = str(attachment.get("contentType") or "").lower().split(";")
    named = dict(part.strip().partition("=")[::2] for part in parameters)
    return kind.strip(), named.get("charset", "").strip('" ')


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
