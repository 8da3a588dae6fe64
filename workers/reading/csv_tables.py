"""CSV as Arrow columns, for tables that are joined or carried as a whole. The rules are those of `csv_records`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader, RawIOBase
from typing import IO

import pyarrow as pa
import pyarrow.csv as pcsv

from cluster.storage import ObjectError
from schemas.errors import RecordError, WardroundError
from workers.reading.csv_records import header_names
from workers.reading.gzip import InflatedFile, is_gzip

Readable = IO[bytes] | RawIOBase

_BLOCK = 16 << 20
"""Bytes that are parsed at a time: a record has to fit in there."""
_OF_SOURCES = (StopIteration, OSError, ObjectError, RecordError, WardroundError)
"""What ends reading: the end, and what a file raises that is damaged, changed or out of reach."""


def csv_names(file: Readable, name: str, delimiter: str, of: str = "input.uri") -> tuple[str, ...]:
    """The columns of an open file that is called `name`, and that the key `of` names. Raises SpecError where two have
    one name; Arrow's errors."""
    with _open(file, name, delimiter, pcsv.ConvertOptions()) as reader:
        return header_names(reader.schema.names, of)


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
    with _open(file, name, delimiter, convert) as reader:
        yield from reader


@contextmanager
def _open(file: Readable, name: str, delimiter: str, convert: pcsv.ConvertOptions) -> Iterator[pcsv.CSVStreamingReader]:
    """A reader that is at its end when it is left, however that comes about.

    Arrow reads ahead in a thread of its own, which calls `file`: one that is still at it when the interpreter ends
    takes the process with it ("terminate called without an active exception"). Closing the reader does not wait for
    that thread; reading to the end does, and the end is made to come at once. The thread may be the last to let go of
    the file even then, after all was read: one that is closed asks nothing of the interpreter any more.
    """
    # A block that comes in parts is a shorter block to Arrow: the buffer fills it.
    source = _Source(BufferedReader(InflatedFile(file)) if is_gzip(name) else file)
    opened = source.whole() or pa.PythonFile(source, "r")
    try:
        reader = pcsv.open_csv(
            opened,
            pcsv.ReadOptions(use_threads=False, block_size=_BLOCK),
            pcsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert,
        )
        try:
            yield reader
        finally:
            source.end()
            # Whatever was read ahead may be no CSV, and nobody asks for it any more.
            with suppress(pa.ArrowException, *_OF_SOURCES):
                while True:
                    reader.read_next_batch()
    finally:
        opened.close()


class _Source:
    """What Arrow reads of a file, until it is told that this was all."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._first = b""
        self._ended = False
        self.closed = False

    def whole(self) -> pa.BufferReader | None:
        """All of a file of one block, in memory of Arrow's own: nothing of it is Python's, so that its thread has
        nothing to ask the interpreter for. None for a larger one."""
        while len(self._first) <= _BLOCK and (more := self._file.read(_BLOCK + 1 - len(self._first))):
            self._first += more
        if len(self._first) > _BLOCK:
            return None
        block = pa.allocate_buffer(len(self._first))
        memoryview(block).cast("B")[:] = self._first
        return pa.BufferReader(block)

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none after `end`."""
        if self._first and not self._ended:
            given, self._first = (self._first, b"") if size < 0 else (self._first[:size], self._first[size:])
            return given
        return b"" if self._ended else self._file.read(size) or b""

    def end(self) -> None:
        """From now on there are no more bytes."""
        self._ended = True

    def close(self) -> None:
        """Arrow is done with it; whoever opened the file closes it."""
        self.closed = True
