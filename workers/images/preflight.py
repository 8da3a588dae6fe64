"""What a sample of the input is, and what could not be decoded here: asked before any device is claimed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import IO

from pydicom.datadict import keyword_dict

from schemas.errors import RecordError, SpecError
from schemas.loading import nearest
from schemas.status import Status
from schemas.wording import in_short
from workers.images.decoding.headers import HeaderFacts, read_header
from workers.images.decoding.identifiers import attribute_tag
from workers.images.decoding.sniff import sniff
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


_VERY_CLOSE = 0.85
"""Behind columns of a table, of which most names are meant to be one."""


def check_attributes(names: Iterable[str], columns: Sequence[str] = ()) -> None:
    """That each name is a DICOM keyword or tag. Raises SpecError with the nearest column, of a table that has these, or
    the nearest known keyword."""
    for name in names:
        if attribute_tag(name) is None:
            if columns:
                keywords = get_close_matches(name, keyword_dict, n=1, cutoff=_VERY_CLOSE)
                hint = nearest(name, columns) or (f", did you mean {keywords[0]!r}?" if keywords else ".")
                raise SpecError(
                    f"input names {name!r}, which is no column of the table and no DICOM attribute{hint} "
                    f"Its columns are {in_short(columns)}"
                )
            near = get_close_matches(name, keyword_dict, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; give a keyword, or a tag as eight hex digits"
            raise SpecError(f"input names {name!r}, which is no column of a table and no DICOM attribute{hint}")
