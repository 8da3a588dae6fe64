"""Rows of a CSV table, plain or gzipped, with why one could not be read."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from cluster.storage import Store
from schemas.status import Status
from schemas.wording import counted
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.meds.chunks import Chunk
from workers.reading.csv_records import csv_records, fields_of_each
from workers.reading.gzip import InflationError, in_blocks, inflated, is_gzip
from workers.reading.lines import Line, lines

Fields = list[str | None]

DELIMITERS = (b",", b"\t", b";", b"|")
"""What may stand between fields; where two are equally often in a header, the first."""


@dataclass(frozen=True)
class Problem:
    """Why a row cannot be read; `ends`: nor can what follows it, or that is all that there is to say of the rest."""

    reason: str
    status: Status = Status.UNREADABLE
    ends: bool = False


def csv_rows(store: Store, chunk: Chunk, size: int, source: OmopInput) -> Iterator[Fields | Problem]:
    """The header, then every row that is not an empty line; nothing comes after a problem that `ends`.

    Between fields stands what is most in the first line, a comma, a semicolon, a bar or a tab. Behind a tab quotes mean
    nothing, as in the vocabulary files of OHDSI. A row is unreadable where it is not UTF-8, or has other
    columns than the header.
    """
    stored = in_blocks(chunk.reader(store, size))
    content = inflated(stored, source.max_inflated) if is_gzip(chunk.key) else stored
    try:
        first = next(content, b"")
    except InflationError as damage:
        yield Problem(damage.detail, damage.status, ends=True)
        return
    head = first.partition(b"\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    has_quotes = delimiter != b"\t"
    content = chain((first.removeprefix(BOM_UTF8),), content)
    records = csv_records(content, delimiter, source.max_line) if has_quotes else lines(content, source.max_line)
    lost: list[Line] = []
    columns = 0
    for text, fields in _parsed(_texts(records, lost), delimiter.decode()):
        if fields is None:
            yield Problem("not CSV")
        elif not columns:
            columns = len(fields)
            yield fields
        elif len(fields) != columns:
            yield Problem(f"{counted(len(fields), 'column')} where the header has {columns}")
        else:
            yield fields if text.isascii() or _is_text(text) else Problem("not UTF-8")
    if lost:
        yield _lost(lost[0], source.max_line)


def _texts(records: Iterator[Line], lost: list[Line]) -> Iterator[str]:
    """The records up to one that cannot be read, which is added to `lost`."""
    for record in records:
        if record.data is None:
            lost.append(record)
            return
        if record.data.strip(b"\r\n"):
            yield record.data.decode(errors="surrogateescape")


def _parsed(texts: Iterator[str], delimiter: str) -> Iterator[tuple[str, Fields | None]]:
    if delimiter != "\t":
        return fields_of_each(texts, delimiter, strict=True)
    return ((text, [field or None for field in text.rstrip("\r\n").split("\t")]) for text in texts)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lost(record: Line, max_line: int) -> Problem:
    if record.damage is not None:
        return Problem(record.damage.detail, record.damage.status, ends=True)
    if record.size is None:
        return Problem(f"not CSV from line {record.number} on: a quote there is not closed", ends=True)
    return Problem(f"a line is longer than {max_line} bytes", Status.TOO_LARGE, ends=True)
