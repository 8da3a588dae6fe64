"""Genotypes of PLINK 1: .bed with .bim and .fam, read by ranges of bytes from where they lie."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cluster.storage import StorageSettings, parse
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from schemas.wording import counted
from workers.genomics.contract import GenotypeChunk
from workers.genomics.files.bim_fam import read_bim, read_fam
from workers.genomics.files.fileset import Fileset, FileVersion
from workers.genomics.files.spans import Span, spans_of
from workers.genomics.kernels.codes import PER_BYTE, recode_plink1, row_bytes, take_samples
from workers.pipeline.read_ahead import read_ahead

_PARTS = {"bed": (".bed",), "bim": (".bim",), "fam": (".fam",)}
_MAGIC = b"\x6c\x1b"
_VARIANT_MAJOR, _SAMPLE_MAJOR = b"\x01", b"\x00"
_HEADER = 3

_NEAR = {"file": 64 << 10, "s3": 1 << 20}
"""Bytes that cost less to read over than another request."""
_SPAN = 8 << 20
_LEAST_ENDS, _ENDS = 16, 1 << 20
"""Variants at least, and bytes, whose last bits are looked at."""
_AT_ONCE = {"file": 0, "s3": 4}


class BedSource:
    """A `GenotypeSource`. Raises SpecError if the files do not fit each other, ObjectChanged if not as `planned`."""

    has_dosages = False

    def __init__(self, uri: str, storage: StorageSettings | None = None, planned: Sequence[FileVersion] = ()) -> None:
        self._files = Fileset(uri, _PARTS, storage, planned)
        self._scheme = parse(uri).scheme
        self._variants = read_bim(self._files.text("bim"), self._files.file("bim").name)
        self._samples = read_fam(self._files.text("fam"), self._files.file("fam").name)
        self._width = row_bytes(self._samples.height)
        self._check()

    def versions(self) -> list[FileVersion]:
        """The files as they are now: what `planned` takes."""
        return self._files.versions()

    def _check(self) -> None:
        bed = self._files.file("bed")
        magic = self._files.get("bed", 0, _HEADER)
        if magic == _MAGIC + _SAMPLE_MAJOR:
            raise SpecError(f"{bed.name!r} is written sample by sample: write it anew with plink --make-bed")
        if magic != _MAGIC + _VARIANT_MAJOR:
            raise SpecError(f"{bed.name!r} does not begin as a .bed file: correct input.uri or input.format")
        variants, samples = self._variants.height, self._samples.height
        expected = _HEADER + variants * self._width
        if bed.size != expected:
            wanted = f"{counted(variants, 'variant')} of {counted(samples, 'sample')}"
            raise SpecError(
                f"{bed.name!r} has {counted(bed.size, 'byte')}, and {wanted} need {expected}: it was "
                "cut off, or its .bim or .fam belongs to another file"
            )

        self._check_ends(bed.name)

    def _check_ends(self, name: str) -> None:
        """Bits behind the last sample are 0: calls of samples that a .fam lacks may stand there, its size the same."""
        used = 2 * (self._samples.height % PER_BYTE)
        if not used:
            return
        rows = min(self._variants.height, max(_LEAST_ENDS, _ENDS // self._width))
        first = np.frombuffer(self._files.get("bed", _HEADER, rows * self._width), np.uint8)
        if (first.reshape(rows, self._width)[:, -1] >> used).any():
            raise SpecError(
                f"{name!r} has calls of more samples than the {self._samples.height} lines of its .fam: restore the "
                ".fam it was written with, or write both anew with plink --make-bed"
            )

    def variants(self) -> pl.DataFrame:
        """The variants as rows of `VARIANT_SCHEMA`: a variant is a line of .bim."""
        return self._variants

    def samples(self) -> pl.DataFrame:
        """The samples as rows of `SAMPLE_SCHEMA`: a sample is a line of .fam."""
        return self._samples

    def records(self) -> NDArray[np.int64]:
        """(variants,) the line of .bim that each comes from, 0-based."""
        return np.arange(self._variants.height, dtype=np.int64)

    def chunks(
        self, first: int, last: int, wanted: NDArray[np.int64] | None, chunk_bytes: int
    ) -> Iterator[GenotypeChunk]:
        """Calls recoded from .bed. A span of the file is held beside the chunk; from S3 a few, fetched ahead."""
        rows = np.arange(self._variants.height, dtype=np.int64) if wanted is None else wanted
        # Whole bytes are read: the first may hold samples that were not asked for.
        left, right = first // PER_BYTE, row_bytes(last)
        per_chunk = max(1, chunk_bytes // max(1, row_bytes(last - first)))
        cuts = [rows[at : at + per_chunk] for at in range(0, len(rows), per_chunk)]
        spans = (
            span
            for cut in cuts
            for span in spans_of(
                cut, _HEADER + left, right - left, self._width, near=_NEAR[self._scheme], most=min(chunk_bytes, _SPAN)
            )
        )
        fetched = self._fetched(spans)
        for cut in cuts:
            block = np.empty((len(cut), right - left), np.uint8)
            filled = 0
            while filled < len(cut):
                filled += next(fetched).into(block[filled:])
            recode_plink1(block)
            packed = take_samples(block, first - left * PER_BYTE, last - left * PER_BYTE)
            yield GenotypeChunk(cut, last - first, packed)

    def _fetched(self, spans: Iterator[Span]) -> Iterator[Span]:
        ahead = _AT_ONCE[self._scheme]
        if not ahead:
            yield from map(self._fetch, spans)
            return
        with ThreadPoolExecutor(ahead) as pool:
            for _, fetched in read_ahead(spans, lambda span: pool.submit(self._fetch, span), ahead + 1):
                yield fetched

    def _fetch(self, span: Span) -> Span:
        body = self._files.get("bed", span.start, span.length)
        if len(body) != span.length:
            raise RecordError(Status.UNREADABLE, "the .bed file ends early")
        return span.filled(body)

    def close(self) -> None:
        """Nothing is held open."""
