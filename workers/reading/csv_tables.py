"""CSV as Arrow columns, for tables that are joined or carried as a whole. The rules are those of `csv_records`."""

from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader, RawIOBase
from typing import IO

import pyarrow as pa
import pyarrow.csv as pcsv

from workers.reading.csv_records import header_names
from workers.reading.gzip import InflatedFile, is_gzip

Readable = IO[bytes] | RawIOBase

_BLOCK = 16 << 20
"""Bytes that are parsed at a time: a record has to fit in there."""


def csv_names(file: Readable, name: str, delimiter: str) -> tuple[str, ...]:
    """The columns of an open file that is called `name`. Raises SpecError where two have one name; Arrow's errors."""
    return header_names(_open(file, name, delimiter, pcsv.ConvertOptions()).schema.names)


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
    yield from _open(file, name, delimiter, convert)


def _open(file: Readable, name: str, delimiter: str, convert: pcsv.ConvertOptions) -> pcsv.CSVStreamingReader:
    # A block that comes in parts is a shorter block to Arrow: the buffer fills it.
    return pcsv.open_csv(
        pa.PythonFile(BufferedReader(InflatedFile(file)) if is_gzip(name) else file, "r"),
        pcsv.ReadOptions(use_threads=False, block_size=_BLOCK),
        pcsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert,
    )
