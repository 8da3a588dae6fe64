"""Attachments of FHIR to text: which kinds are read, how they are decoded, and which are the same document again."""

import base64
import binascii
import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.documents.html import blank_html, html_text
from workers.ehr.documents.rtf import is_rtf, rtf_text

PLAIN, HTML, RTF, XML = "text/plain", "text/html", "text/rtf", "text/xml"
UNKNOWN_CHARSET = "the character set of its attachment is not known"
PREFERENCE = (PLAIN, HTML, RTF, XML)
"""Best first: of two that say the same the earlier is the text."""
_KINDS = {
    "": PLAIN,
    "text/markdown": PLAIN,
    "text/x-plain": PLAIN,
    "text": PLAIN,
    "application/xhtml+xml": HTML,
    "application/rtf": RTF,
    "application/x-rtf": RTF,
    "text/richtext": RTF,
    "text/x-rtf": RTF,
    "application/xml": XML,
    "text/cda+xml": XML,
    "application/hl7-cda+xml": XML,
    "application/hl7-sda+xml": XML,
}
_CHARSET = re.compile(
    r"(ascii|us-ascii|utf-?8(-sig)?|utf-?(16|32)([-_]?(le|be))?|(iso-?)?8859-\d{1,2}|iso-8859-\d{1,2}|latin-?\d{0,2}|"
    r"(windows|cp|ibm|x-cp)-?\d{3,4}|mac[-_]?roman|macintosh|koi8-[ru]|gb2312|gbk|gb18030|big5|shift[-_]?jis|sjis|"
    r"euc-(jp|kr)|iso-2022-jp|tis-620)"
)
"""Names of character sets, and of nothing else that Python calls a codec."""
_META = re.compile(
    rb"""<(?:meta|\?xml)[^<>]{0,200}?(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE
)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NO_BLANKS = str.maketrans("", "", " \t\r\n")
_TAG = re.compile(r"<[^<>]*>")
_BLANKS = re.compile(r"[ \t\xa0]+")
_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Document:
    """A readable attachment. `kind` is one of `PREFERENCE`, `source` its text as stored."""

    kind: str
    source: str

    def blanked(self) -> str:
        """The text that a person reads; of HTML with every character at its place."""
        if self.kind == HTML:
            return blank_html(self.source)
        if self.kind == RTF:
            return rtf_text(self.source)
        return blank_html(_TAG.sub(" ", self.source)) if self.kind == XML else self.source

    def text(self) -> str:
        """The text that a person reads, without the blanks that marks leave behind."""
        if self.kind == PLAIN:
            return self.source
        seen = html_text(self.source) if self.kind == HTML else self.blanked()
        lines = (_BLANKS.sub(" ", line).strip() for line in seen.splitlines())
        return _LINES.sub("\n\n", "\n".join(lines)).strip()


def read_attachment(attachment: Mapping[str, Any], replace: bool = False) -> Document:
    """The text of one attachment. `replace`: bytes that are no text become U+FFFD.

    Raises RecordError: unsupported where it is no text or lies elsewhere, empty without data, else unreadable.
    """
    mime, charset = mime_of(attachment)
    kind = kind_of(mime)
    if kind is None:
        raise RecordError(Status.UNSUPPORTED, "none of its attachments is plain text, HTML, RTF or XML")
    if attachment.get("data") is None:
        detail = "its text lies outside the export" if attachment.get("url") else "its attachment has no data"
        raise RecordError(Status.UNSUPPORTED if attachment.get("url") else Status.EMPTY, detail)
    try:
        data = base64.b64decode(str(attachment["data"]).translate(_NO_BLANKS), validate=True)
    except (binascii.Error, ValueError):
        raise RecordError(Status.UNREADABLE, "its attachment is not base64") from None
    if kind == RTF or data.lstrip()[:5] == b"{\\rtf":
        return Document(RTF, data.decode("latin-1"))
    text = _decoded(data, charset, replace)
    return Document(RTF if is_rtf(text) else kind, text)


def kind_of(mime: str) -> str | None:
    """How attachments of this type are read; None where they are no text."""
    if mime in PREFERENCE:
        return mime
    if mime in _KINDS:
        return _KINDS[mime]
    return XML if mime.endswith("+xml") else None


def mime_of(attachment: Mapping[str, Any]) -> tuple[str, str]:
    """Type and charset of `text/plain; charset=utf-8`, in lower case."""
    kind, *parameters = str(attachment.get("contentType") or "").lower().split(";")
    named = dict(part.strip().partition("=")[::2] for part in parameters)
    return kind.strip(), named.get("charset", "").strip("\"' ")


def _decoded(data: bytes, charset: str, replace: bool) -> str:
    bom = next((codec for mark, codec in _BOMS if data.startswith(mark)), None)
    if charset and codec_of(charset) is None:
        raise RecordError(Status.UNSUPPORTED, UNKNOWN_CHARSET)
    codec = bom or codec_of(charset) or "utf-8"
    if not charset and bom is None:
        said = _META.search(data[:2048])
        codec = (codec_of(said[1].decode("ascii").lower()) if said else None) or codec
    try:
        # Bytes that are no text are left as half characters, but where the codec has no way to.
        lenient = "surrogateescape" if codec in ("utf-8", "ascii") else "strict"
        return data.decode(codec, "replace" if replace else lenient)
    except (UnicodeDecodeError, LookupError):
        raise RecordError(Status.UNREADABLE, f"its attachment is not {codec}") from None


def codec_of(charset: str) -> str | None:
    """Python's name of a character set; None for one that is not known. ASCII is read as UTF-8."""
    name = charset.strip().lower()
    if not _CHARSET.fullmatch(name):
        return None
    name = name.replace("windows-", "cp").replace("x-cp", "cp")
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return "utf-8" if found in ("ascii", "utf-8") else found


SAME_TEXT = "the same text again"
OTHER_TEXT = "another format of the document, whose words are not the same"


def choose(documents: Sequence[Document]) -> tuple[list[int], dict[int, str]]:
    """Which documents of one resource are its text, in their order, and why each other one is left out.

    FHIR says that the contents of a resource are one document in several formats: those of the best format count, all
    of them, as they may be its pages; what says the same again does not.
    """
    words = [tuple(document.text().split()) for document in documents]
    filled = [at for at, said in enumerate(words) if said] or list(range(len(documents)))
    best = min((PREFERENCE.index(documents[at].kind) for at in filled), default=0)
    kept: list[int] = []
    for at in filled:
        if PREFERENCE.index(documents[at].kind) == best and words[at] not in [words[one] for one in kept]:
            kept.append(at)
    whole = tuple(word for at in kept for word in words[at])
    known = {(), whole, *(words[at] for at in kept)}
    others = [at for at in range(len(documents)) if at not in kept]
    return kept, {at: SAME_TEXT if words[at] in known else OTHER_TEXT for at in others}
