"""CSV as Arrow columns, for tables that are joined or carried as a whole. The rules are those of `csv_records`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from io import RawIOBase
from typing import IO

import pyarrow as pa
import pyarrow.csv as pcsv

from workers.reading.csv_records import header_names
from workers.reading.gzip import InflatedFile, is_gzip

Readable = IO[bytes] | RawIOBase

_BLOCK = 16 << 20
"""Bytes that are parsed at a time: a record has to fit in there."""
_BOM = b"\xef\xbb\xbf"


def csv_names(file: Readable, name: str, delimiter: str, of: str = "input.uri") -> tuple[str, ...]:
    """The columns of an open file that is called `name`, and that the key `of` names. Raises SpecError where two have
    one name; Arrow's errors."""
    head = _parsed(next(_tables(file, name, delimiter)), delimiter, pcsv.ConvertOptions())
    return header_names(head.column_names, of)


def csv_batches(
    file: Readable, name: str, delimiter: str, types: Mapping[str, pa.DataType], columns: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches of rows; every column has to have its type in `types`, and only `columns` are read, where there are some.

    An empty field without quotes is null, one with quotes is empty text; `NA` and `null` are text. Raises what Arrow
    does for a file that is not CSV.
    """
    convert = pcsv.ConvertOptions(
        column_types=types,
        include_columns=list(columns),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    for table in _tables(file, name, delimiter):
        yield from _parsed(table, delimiter, convert).to_batches()


def _parsed(table: pa.Buffer, delimiter: str, convert: pcsv.ConvertOptions) -> pa.Table:
    """Arrow reads ahead in a thread of its own, and one that needs Python's lock when the interpreter ends takes the
    process with it ("terminate called without an active exception"). So all that it is given is memory of its own."""
    return pcsv.read_csv(
        pa.BufferReader(table),
        # A little more than all of it, so that no record spans two of its blocks.
        pcsv.ReadOptions(use_threads=False, block_size=len(table) + 1),
        pcsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert,
    )


def _tables(file: Readable, name: str, delimiter: str) -> Iterator[pa.Buffer]:
    """A file as tables of whole records, each with the header of the file; one at least."""
    source = InflatedFile(file) if is_gzip(name) else file
    one, many = _records(delimiter)
    header, held, is_last = b"", bytearray(), False
    while not is_last:
        while not is_last and len(held) <= _BLOCK:
            more = source.read(_BLOCK + 1 - len(held)) or b""
            held += more
            is_last = not more
        if not header and held.startswith(_BOM):
            del held[: len(_BOM)]
        end = len(held) if is_last else _end_of_last(held, many)
        if not end and not is_last:
            raise pa.ArrowInvalid("a record is longer than what is read at a time")
        if end or not header:
            yield _arrows(header, memoryview(held)[:end])
        if not header and (first := one.match(held)) is not None:
            header = first.group()
            del first
        del held[:end]


def _records(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Match the first record that is not empty, and all records, each with its line break. A quote opens a field only
    at its start; inside, two stand for one. Anywhere else it is a character like others."""
    between = re.escape(delimiter.encode())
    other = rb"[^" + between + rb"\r\n]*+"
    field = rb'(?:"[^"]*+(?:""[^"]*+)*+"|(?!"))' + other
    record = field + rb"(?:" + between + field + rb")*+[\r\n]"
    return re.compile(rb"[\r\n]*+" + record), re.compile(rb"(?:" + record + rb")*+")


def _end_of_last(block: bytearray, records: re.Pattern[bytes]) -> int:
    """Where the last whole record of `block` ends, behind its line break; 0 if none does."""
    quote = block.find(b'"')
    before = len(block) if quote < 0 else quote
    # Records without quotes need no pattern.
    first = max(block.rfind(b"\n", 0, before), block.rfind(b"\r", 0, before)) + 1
    found = None if quote < 0 else records.match(block, first)
    return first if found is None else found.end()


def _arrows(header: bytes, records: memoryview) -> pa.Buffer:
    """Both, copied into memory that is Arrow's own."""
    table = pa.allocate_buffer(len(header) + len(records))
    view = memoryview(table).cast("B")
    view[: len(header)] = header
    view[len(header) :] = records
    return table
