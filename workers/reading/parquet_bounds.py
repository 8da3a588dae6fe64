"""Parquet files of others in batches that fit into memory, whatever their dictionaries hold.

A column chunk may keep each of its values once, in a dictionary, and refer to them by number ("Data pages", Apache
Parquet format). Four kilobytes can so stand for one text of a hundred megabytes in ten thousand rows, and Arrow puts
out every row of a batch in full.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

_BATCH_BYTES = 512 << 20
_LONGEST_PAGE = 1 << 30
_HEADER = 256
"""Bytes of a page's header that are looked at; one of a dictionary has some twenty."""
_STRUCT, _STOP = 12, 0


def parquet_file(file: io.RawIOBase | pa.NativeFile, **options: Any) -> pq.ParquetFile:
    """An open file that no thread reads but those that ask for rows.

    Arrow can read ahead in threads of its own (`pre_buffer`, on by default in later versions). They call `file`, while
    others may, and can be the last to let go of it: with the lock of an interpreter that is ending, which aborts the
    process.
    """
    return pq.ParquetFile(file, pre_buffer=False, **options)


def parquet_table(file: io.RawIOBase | pa.NativeFile, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of an open file, read by the thread that asks for them."""
    return parquet_file(file).read(columns, use_threads=False)


class BoundedParquet(pq.ParquetFile):  # type: ignore[misc]  # pyarrow.parquet has no types
    """A `ParquetFile` over a seekable `file`, whose `iter_batches` makes batches shorter where values are long.

    Raises pa.ArrowInvalid where one row can be too much.
    """

    def __init__(self, file: io.RawIOBase, **options: Any) -> None:
        # As `parquet_file`.
        super().__init__(file, pre_buffer=False, **options)
        self._raw = file

    def iter_batches(
        self,
        batch_size: int = 65_536,
        row_groups: Sequence[int] | None = None,
        columns: Sequence[str] | None = None,
        **options: Any,
    ) -> Iterator[pa.RecordBatch]:
        """As pyarrow's, with at most `batch_size` rows a batch."""
        groups = list(range(self.num_row_groups) if row_groups is None else row_groups)
        names = None if columns is None else list(columns)
        # One call for neighbours that need no other size: batches then go on from one row group to the next.
        start = 0
        while start < len(groups):
            rows = self._rows_at_once(groups[start], names, batch_size)
            end = start + 1
            while end < len(groups) and self._rows_at_once(groups[end], names, batch_size) == rows:
                end += 1
            yield from super().iter_batches(rows, row_groups=groups[start:end], columns=names, **options)
            start = end

    def _rows_at_once(self, group: int, columns: Sequence[str] | None, most: int) -> int:
        found = self.metadata.row_group(group)
        for number in range(found.num_columns):
            chunk = found.column(number)
            name = chunk.path_in_schema.split(".")[0]
            if chunk.physical_type == "BYTE_ARRAY" and (columns is None or name in columns):
                most = min(most, self._rows_of(chunk, found.num_rows, most))
        return most

    def _rows_of(self, chunk: Any, rows: int, most: int) -> int:
        """How many rows of this chunk fit, by the longest value that a row may refer to."""
        if not chunk.has_dictionary_page or not rows:
            return most
        page = self._page(chunk)
        values = chunk.num_values if chunk.num_values > rows else min(most, rows)
        if page is None or page.size * values <= _BATCH_BYTES:
            return most
        longest = max(1, self._longest(chunk, page))
        if chunk.num_values > rows and longest * chunk.num_values > 8 * _BATCH_BYTES:
            raise pa.ArrowInvalid("lists of values that stand for more than can be read")
        return max(1, min(most, _BATCH_BYTES // longest))

    def _page(self, chunk: Any) -> _Page | None:
        self._raw.seek(chunk.dictionary_page_offset)
        page = _page_of(self._raw.read(_HEADER))
        if page is not None and page.size > _LONGEST_PAGE:
            raise pa.ArrowInvalid("a dictionary that is longer than can be read")
        return page

    def _longest(self, chunk: Any, page: _Page) -> int:
        self._raw.seek(chunk.dictionary_page_offset + page.begins)
        body: Any = self._raw.read(page.compressed)
        if chunk.compression != "UNCOMPRESSED":
            body = pa.Codec(chunk.compression.lower()).decompress(body, page.size, asbytes=True)
        return _longest_value(body)


class _Page(NamedTuple):
    """`size` bytes as they are, `compressed` as they lie there, which `begins` so far behind the header's start."""

    size: int
    compressed: int
    begins: int


def _longest_value(body: bytes) -> int:
    """The most bytes of one of the values that lie there, each after its length in four bytes (encoding PLAIN)."""
    longest = at = 0
    while at + 4 <= len(body):
        length = int.from_bytes(body[at : at + 4], "little")
        longest = max(longest, length)
        at += 4 + length
    return longest


def _page_of(header: bytes) -> _Page | None:
    """What a page's header says, in Thrift's compact protocol; None where it is none. Fields: 1 type, 2 and 3 sizes."""
    try:
        sizes, at, number = [0, 0, 0, 0], 0, 0
        while number < 3:
            number += header[at] >> 4
            value, at = _varint(header, at + 1)
            sizes[number] = value >> 1
        return _Page(sizes[2], sizes[3], _end_of_struct(header, at))
    except IndexError:
        return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _end_of_struct(data: bytes, at: int) -> int:
    """Where a struct ends that has only numbers, flags and such structs in it."""
    while data[at] != _STOP:
        kind = data[at] & 0x0F
        at += 1
        if data[at - 1] >> 4 == 0:
            _, at = _varint(data, at)
        if kind == _STRUCT:
            at = _end_of_struct(data, at)
        elif kind not in (1, 2):  # a flag stands in its field's own byte
            _, at = _varint(data, at)
    return at + 1
