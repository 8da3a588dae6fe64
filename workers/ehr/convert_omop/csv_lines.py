"""Lines of a CSV file, plain or gzipped, for the csv module to read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from cluster.storage import Store
from schemas.status import Status
from workers.ehr.meds.chunks import Chunk
from workers.reading.gzip import InflationError, in_blocks, inflated, is_gzip

_BOM = "\ufeff"


class CsvLines:
    """One pass over the lines. Once it has ended, `trouble` and `reason` say whether and why it ended too early."""

    def __init__(self, store: Store, chunk: Chunk, size: int, max_line: int, max_inflated: int) -> None:
        self.trouble: Status | None = None
        self.reason: str | None = None
        self._stream = chunk.reader(store, size)
        self._gzipped = is_gzip(chunk.key)
        self._max_line = max_line
        self._max_inflated = max_inflated

    def reader(self) -> Any:
        """A reader of rows: with commas and quotes, or with tabs and none where only tabs are in the first line.

        The vocabulary files of OHDSI are of the second kind, with quotes that mean nothing.
        """
        lines = self._lines()
        first = next(lines, "").removeprefix(_BOM)
        # The limit is the csv module's own and holds for the process; a field is never longer than its line.
        csv.field_size_limit(max(csv.field_size_limit(), self._max_line))
        chained = _chain(first, lines)
        if "\t" in first and "," not in first:
            return csv.reader(chained, delimiter="\t", quoting=csv.QUOTE_NONE)
        return csv.reader(chained, strict=True)

    def _lines(self) -> Iterator[str]:
        """With their ends. What is not UTF-8 passes as surrogates, for each row to be told apart."""
        held = b""
        for piece in self._pieces():
            *whole, held = (held + piece).split(b"\n")
            for line in whole:
                yield line.decode(errors="surrogateescape") + "\n"
            if len(held) > self._max_line:
                self.trouble, self.reason = Status.TOO_LARGE, f"a line is longer than {self._max_line} bytes"
                return
        if held and self.trouble is None:
            yield held.decode(errors="surrogateescape")

    def _pieces(self) -> Iterator[bytes]:
        stored = in_blocks(self._stream)
        try:
            yield from inflated(stored, self._max_inflated) if self._gzipped else stored
        except InflationError as error:
            self.trouble, self.reason = error.status, error.detail


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest
