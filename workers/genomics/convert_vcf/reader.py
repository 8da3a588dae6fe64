"""Chunks of VCF and BCF as records, in a worker."""

import io
from collections.abc import Iterator, Sequence
from itertools import chain

import polars as pl

from cluster.storage import Store
from cluster.storage.range_reader import RangeReader
from schemas.status import Fault, Status
from workers.genomics.convert_vcf.bcf import bcf_lines
from workers.genomics.convert_vcf.bgzf import END, Fetch, blocks
from workers.genomics.convert_vcf.files import header_of
from workers.genomics.convert_vcf.header import Header
from workers.genomics.convert_vcf.lines import Line, Piece, bgzf_pieces, gzip_pieces, lines_of, skipped, text_pieces
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.convert_vcf.variants import records_of
from workers.genomics.table.records import Chunk, Records

_BATCH_BYTES = 8 << 20
_BATCH_LINES = 4096
_NO_END = "the file ends without the mark that bgzip writes: it was cut off, and the records behind are lost"


class VcfReader:
    """Implements `workers.genomics.table.records.RecordReader`."""

    def __init__(self, store: Store, source: VcfInput, samples: pl.DataFrame) -> None:
        self._store = store
        self._source = source
        self.samples = samples
        self.dosages = source.dosage is not None
        self._header: tuple[str, Header] | None = None

    def records(self, chunk: Chunk) -> Iterator[Records]:
        """The records of the chunk, some lines of VCF at a time."""
        held: list[Line] = []
        nbytes = 0
        for line in self._lines(chunk):
            held.append(line)
            nbytes += len(line.data)
            if nbytes >= _BATCH_BYTES or len(held) >= _BATCH_LINES:
                yield self._batch(held)
                held, nbytes = [], 0
        if held:
            yield self._batch(held)

    def _batch(self, lines: Sequence[Line]) -> Records:
        return records_of(lines, self.samples.height, self._source)

    def _lines(self, chunk: Chunk) -> Iterator[Line]:
        header = self._header_of(chunk)
        lines = self._of_header(chunk, header)
        if header.packing == "bgzf" and chunk.stop >= chunk.file_size and not self._has_end(chunk):
            return chain(lines, [Line(b"", Fault(Status.UNREADABLE, _NO_END))])
        return lines

    def _of_header(self, chunk: Chunk, header: Header) -> Iterator[Line]:
        first = chunk.start == header.start
        pieces = self._pieces(chunk, header)
        if first:
            pieces = skipped(pieces, header.skip if header.packing != "text" else 0)
        if header.is_bcf:
            return bcf_lines(pieces, header.text, self._source.max_line, from_start=first)
        return lines_of(pieces, from_start=first, max_line=self._source.max_line)

    def _pieces(self, chunk: Chunk, header: Header) -> Iterator[Piece]:
        fetch = self._fetch(chunk)
        if header.packing == "bgzf":
            return bgzf_pieces(blocks(fetch, chunk.start), chunk.stop)
        if header.packing == "gzip":
            stream = io.BufferedReader(RangeReader(fetch, chunk.file_size), 1 << 20)
            return gzip_pieces(stream, self._source.max_inflated)
        return text_pieces(fetch, chunk.start, chunk.stop)

    def _header_of(self, chunk: Chunk) -> Header:
        """Neighbouring chunks are of one file."""
        if self._header is None or self._header[0] != chunk.key:
            header = header_of(self._store, chunk.key, chunk.etag, chunk.file_size, self._source, "a planned file")
            self._header = chunk.key, header
        return self._header[1]

    def _has_end(self, chunk: Chunk) -> bool:
        return self._fetch(chunk)(max(0, chunk.file_size - len(END)), len(END)) == END

    def _fetch(self, chunk: Chunk) -> Fetch:
        return lambda start, length: self._store.get(chunk.key, start, length, if_etag=chunk.etag)
