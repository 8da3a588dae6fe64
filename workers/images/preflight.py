"""What a sample of the input is, and what could not be decoded here: asked before any device is claimed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import IO

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_dict

from schemas.errors import RecordError, SpecError
from schemas.loading import nearest
from schemas.status import Status
from schemas.wording import in_short
from workers.images.decoding.headers import HeaderFacts, read_header
from workers.images.decoding.identifiers import attribute_tag
from workers.images.decoding.sniff import sniff
from workers.images.series.selection_settings import OF_VOLUMES, Selection
from workers.images.settings import ImagesInput

Reader = Callable[[], IO[bytes]]

_BEGINNING = 256
"""Bytes by which a format is known."""


@dataclass(frozen=True)
class Preflight:
    """Counts over the objects read.

    `formats` and `transfer_syntaxes` are counted by name; `undecodable` gives the remedy for each transfer syntax
    that nothing installed decodes. `refused` counts, by status, what would get no score by its header alone.
    """

    read: int
    formats: Mapping[str, int]
    transfer_syntaxes: Mapping[str, int]
    undecodable: Mapping[str, str]
    refused: Mapping[Status, int]
    others: Mapping[str, int] = field(default_factory=dict)
    """What those are that are not of `input.format`, where it names one and their first bytes tell."""

    @property
    def unreadable(self) -> int:
        """How many objects are no image that anyone could read."""
        return self.refused.get(Status.UNREADABLE, 0)


def preflight(readers: Iterable[Reader], settings: ImagesInput) -> Preflight:
    """Read the headers of some objects; each reader opens one of them, seekable. Errors of storage pass through."""
    facts: list[HeaderFacts] = []
    refused: Counter[Status] = Counter()
    others: Counter[str] = Counter()
    read = 0
    for opener in readers:
        read += 1
        try:
            with opener() as reader:
                facts.append(read_header(reader, settings))
        except RecordError as error:
            refused[error.status] += 1
            others[_other_format(opener, settings)] += 1
    others.pop("", None)
    named = [fact for fact in facts if fact.transfer_syntax_name]
    refused[Status.NO_PIXELS] += sum(not fact.has_pixels for fact in facts)
    refused[Status.UNSUPPORTED] += sum(not fact.decodable for fact in facts)
    return Preflight(
        read=read,
        formats=Counter(fact.format for fact in facts),
        transfer_syntaxes=Counter(str(fact.transfer_syntax_name) for fact in named),
        undecodable={str(fact.transfer_syntax_name): fact.remedy for fact in named if not fact.decodable},
        refused={status: count for status, count in refused.items() if count},
        others=others,
    )


def _other_format(opener: Reader, settings: ImagesInput) -> str:
    """The format of an object that is not of the one that the spec names; empty where that is not why."""
    if settings.format == "auto":
        return ""
    try:
        with opener() as reader:
            found = sniff(reader.read(_BEGINNING))
    except RecordError:
        return ""
    return found if found not in (None, settings.format) else ""


_WITHOUT_TEXT = frozenset({"SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN"})
"""Value representations (PS3.5 6.2) that are neither text nor a number."""
_VERY_CLOSE = 0.85
"""Behind columns of a table, of which most names are meant to be one."""


def check_attributes(names: Iterable[str], columns: Sequence[str] = ()) -> None:
    """That each name is a DICOM keyword or tag of something that can be written as text. Raises SpecError with the
    nearest column, of a table that has these, or the nearest known keyword."""
    for name in names:
        if attribute_tag(name) is None:
            if columns:
                keywords = get_close_matches(name, keyword_dict, n=1, cutoff=_VERY_CLOSE)
                hint = nearest(name, columns) or (f", did you mean {keywords[0]!r}?" if keywords else ".")
                raise SpecError(
                    f"input names {name!r}, which is no column of the table and no DICOM attribute{hint} "
                    f"Its columns are {in_short(columns)}"
                )
            raise SpecError(
                f"input names {name!r}, which is no column of a table and no DICOM attribute{_nearest_keyword(name)}"
            )
        _refuse_without_text(f"input names {name!r}", name)


def check_selection(selection: Selection) -> None:
    """That rules ask of volumes and of DICOM attributes that can be compared. Raises SpecError with the nearest name:
    a rule by a name that nothing has would match no volume, in silence."""
    for rule in selection.rules:
        for name in rule.where:
            if name in OF_VOLUMES:
                continue
            says = f"input.select: rule {rule.name!r} asks for {name!r}"
            if attribute_tag(name) is None:
                raise SpecError(
                    f"{says}, which is no DICOM attribute and none of {', '.join(OF_VOLUMES)}"
                    f"{_nearest_keyword(name, OF_VOLUMES)}"
                )
            _refuse_without_text(says, name)


def _nearest_keyword(name: str, others: Sequence[str] = ()) -> str:
    known = {one.lower(): one for one in (*keyword_dict, *others)}
    near = get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {known[near[0]]!r}?" if near else "; give a keyword, or a tag as eight hex digits"


def _refuse_without_text(says: str, name: str) -> None:
    tag = attribute_tag(name) or 0
    kind = dictionary_VR(tag) if dictionary_has_tag(tag) else ""
    if kind and {*kind.split(" or ")} <= _WITHOUT_TEXT:
        what = "a sequence" if kind == "SQ" else "binary"
        raise SpecError(f"{says}, which is {what} (VR {kind}) and has no text: name an attribute that has a value")
