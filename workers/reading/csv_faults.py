"""Why a table is not CSV as it has to be: the first line that is not, what is wrong with it, and what to do."""

import csv
from collections.abc import Iterator, Sequence

from workers.reading.csv_records import csv_records, fields_of
from workers.reading.csv_tables import Readable
from workers.reading.gzip import InflatedFile, InflationError, is_gzip

_TAB = "\t"
_SEPARATORS = (";", _TAB, "|", ",")
_BLOCK = 1 << 20
_HEAD = 64
"""Bytes of a name of a column or two: a table may have a NUL in its text, and none there."""
_LONGEST = 16 << 20
NO_GZIP = "its name says gzip, and it is none or damaged: compress it again, or leave .gz out"
_BEGINNINGS = (
    (b"PAR1", "is a Parquet file by its content: give it a name that ends in .parquet"),
    (b"PK\x03\x04", "is a zip or Excel file by its content: save it as CSV"),
    (b"\xff\xfe", "is UTF-16: save it as CSV UTF-8"),
    (b"\xfe\xff", "is UTF-16: save it as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "is an Excel file by its content: save it as CSV"),
    (b"\x1f\x8b", "is gzip by its content: give it a name that ends in .gz"),
)


def csv_fault(file: Readable, name: str, delimiter: str, whole_numbers: Sequence[str] = ()) -> str:
    """A sentence on the first thing that is wrong with an open file; of its content only names of columns are in it.

    `whole_numbers`: columns that must hold such. Raises InfrastructureError where storage fails.
    """
    try:
        return _fault(_blocks(file, is_gzip(name)), delimiter, whole_numbers)
    except InflationError:
        return NO_GZIP


def no_csv_by_its_beginning(first: bytes) -> str:
    """What a file is whose first bytes are those of no CSV, and what to do; empty where they may be."""
    for beginning, said in _BEGINNINGS:
        if first.startswith(beginning):
            return said
    if b"\0" in first[:_HEAD]:
        return "has NUL bytes, as UTF-16 has without its mark: save it as CSV UTF-8"
    return ""


def separator_hint(names: Sequence[str], delimiter: str) -> str:
    """What to do where a header of one column holds another separator; empty where none is in sight."""
    other = other_separator(names, delimiter)
    if other is None:
        return ""
    save = "name it .tsv" if other == _TAB else f"separate them by {'a comma' if delimiter == ',' else 'a tab'}"
    return f"its fields seem to be separated by {'a tab' if other == _TAB else repr(other)}: {save}"


def other_separator(names: Sequence[str], delimiter: str) -> str | None:
    """What separates the fields of a header that was read as one column; None where nothing in it does."""
    return next((one for one in _SEPARATORS if len(names) == 1 and one in names[0] and one != delimiter), None)


def _blocks(file: Readable, compressed: bool) -> Iterator[bytes]:
    source = InflatedFile(file) if compressed else file
    while block := source.read(_BLOCK):
        yield block


def _fault(blocks: Iterator[bytes], delimiter: str, whole_numbers: Sequence[str]) -> str:
    first = next(blocks, b"")
    if not first:
        return "it is empty: it needs a header line and a line a record"
    if said := no_csv_by_its_beginning(first):
        return f"it {said}"
    names: list[str | None] = []
    lines = 0
    for line in csv_records(_again(first, blocks), delimiter.encode(), _LONGEST):
        if line.damage is not None:
            return NO_GZIP
        if line.data is None:
            return f"in line {line.number} a quote opens and never closes: double quotes inside a field, or take it out"
        try:
            fields = fields_of(line.data.decode().rstrip("\r\n"), delimiter)
        except UnicodeDecodeError:
            return f"line {line.number} is not UTF-8 (latin-1 or Windows?): save the table as CSV UTF-8"
        except csv.Error:
            return f"line {line.number} is no CSV: write the table again"
        lines += 1
        if not names:
            names = fields
        elif fields and len(fields) != len(names):
            plural = "" if len(fields) == 1 else "s"
            return (
                f"line {line.number} has {len(fields)} field{plural}, and the header has {len(names)}: correct the line"
            )
        elif wrong := _no_number(names, fields, whole_numbers):
            return f"line {line.number}: column {wrong!r} holds no whole number: correct or rename it"
    if lines == 1:
        return "it has a header and nothing below it: it needs a line a record"
    return "it cannot be read as CSV: write it again, or as Parquet"


def _no_number(names: Sequence[str | None], fields: Sequence[str | None], whole_numbers: Sequence[str]) -> str:
    for name, field in zip(names, fields, strict=False):
        if name in whole_numbers and field is not None and not field.strip().lstrip("+-").isdecimal():
            return str(name)
    return ""


def _again(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield first.removeprefix(b"\xef\xbb\xbf")
    yield from blocks
