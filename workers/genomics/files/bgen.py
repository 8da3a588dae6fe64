"""Imputed genotypes of BGEN 1.2 and 1.3, read by ranges of bytes from where they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cluster.storage import ObjectMissing, StorageSettings, open_store, parse, split
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.genomics.contract import SAMPLE_SCHEMA, VARIANT_SCHEMA, GenotypeChunk
from workers.genomics.files.bgen_blocks import Unfinished, VariantHead, read_bgen_header, read_head
from workers.genomics.files.bgen_index import NO_ALLELE, gone_through, indexed, variants_of
from workers.genomics.files.bgen_values import Copies, copies_of, inflated
from workers.genomics.files.fileset import Fileset, FileVersion
from workers.genomics.files.oxford_sample import read_sample
from workers.genomics.files.pvar_psam import read_psam
from workers.genomics.files.settings import BgenSettings
from workers.genomics.kernels.codes import certain_calls, pack, row_bytes
from workers.pipeline.read_ahead import read_ahead

_PARTS = {"bgen": (".bgen",), "bgi": (".bgen.bgi",), "sample": (".sample",)}
_NEAR = {"file": 64 << 10, "s3": 1 << 20}
"""Bytes that cost less to read over than another request."""
_SPAN = {"file": 2 << 20, "s3": 8 << 20}
"""Bytes that are read and decoded as one: what comes of them should stay in the caches."""
_AT_ONCE = {"file": 2, "s3": 8}
_OTHER = RecordError(Status.UNREADABLE, "a variant of the .bgen file is not where it was: it is damaged")


@dataclass(frozen=True)
class _Run:
    """Records that lie near each other, and the bytes from the first of them to the last."""

    records: NDArray[np.int64]
    start: int
    length: int


class BgenSource:
    """A `GenotypeSource` of dosages; calls are those that the dosages are within 0.1 of, as PLINK 2 has them.

    A record of several ALTs gives a variant for each. Phase is not kept. Raises SpecError if the files do not fit each
    other, ObjectChanged if not as `planned`.
    """

    has_dosages = True

    def __init__(
        self,
        uri: str,
        storage: StorageSettings | None = None,
        planned: Sequence[FileVersion] = (),
        how: BgenSettings | None = None,
    ) -> None:
        self._files = Fileset(uri, _PARTS, storage, planned, optional=("bgi", "sample"))
        self._scheme = parse(uri).scheme
        self._of_all = how.samples if how is not None else None
        self._storage = storage
        main = self._files.file("bgen")
        self._header = read_bgen_header(self._read, main.name)
        if self._files.has("bgi"):
            bgi = self._files.file("bgi").name
            index = indexed(self._files.text("bgi"), self._read, self._header, main.size, bgi)
        else:
            index = gone_through(self._read, self._header, main.size, main.name)
        self._index = index
        self._variants = variants_of(index.records, how is not None and how.alleles == "ref-last")
        self._record, self._allele = (self._variants[name].to_numpy() for name in ("record", "allele"))
        self._samples, self._samples_file = self._read_samples()

    def _read(self, start: int, length: int) -> bytes:
        return self._files.get("bgen", start, length)

    def _read_samples(self) -> tuple[pl.DataFrame, list[FileVersion]]:
        files: list[FileVersion] = []
        if self._of_all is not None:
            body, version = _whole(self._of_all, self._storage)
            files, name = [version], version.name
            samples = read_sample(body, name) if name.endswith(".sample") else read_psam(body, name)
        elif self._files.has("sample"):
            name = self._files.file("sample").name
            samples = read_sample(self._files.text("sample"), name)
        elif self._header.ids is not None:
            name, count = self._files.file("bgen").name, len(self._header.ids)
            rows = {"sample_idx": range(count), "fid": [None] * count, "iid": self._header.ids, "sex": [0] * count}
            samples = pl.DataFrame(rows, schema=SAMPLE_SCHEMA)
            if not samples["iid"].is_unique().all():
                raise SpecError(f"{name!r} has two samples of one name: put a .sample file with other names beside it")
        else:
            raise SpecError(
                f"{self._files.file('bgen').name!r} does not name its samples: put its .sample file beside it, or name "
                "it as input.samples"
            )
        if samples.height != self._header.samples:
            raise SpecError(
                f"{self._files.file('bgen').name!r} has {self._header.samples} samples and {name!r} {samples.height}: "
                "they do not belong together"
            )
        return samples, files

    def versions(self) -> list[FileVersion]:
        """The files as they are now: what `planned` takes."""
        return [*self._files.versions(), *self._samples_file]

    def variants(self) -> pl.DataFrame:
        """The variants as rows of `VARIANT_SCHEMA`, with their `record`: a variant is an ALT of a record."""
        return self._variants.select(*VARIANT_SCHEMA, "record")

    def samples(self) -> pl.DataFrame:
        """The samples as rows of `SAMPLE_SCHEMA`: of the .sample file, else as the .bgen file names them."""
        return self._samples

    def records(self) -> NDArray[np.int64]:
        """(variants,) the record of the file that each comes from, 0-based."""
        return self._record

    def chunks(
        self, first: int, last: int, wanted: NDArray[np.int64] | None, chunk_bytes: int
    ) -> Iterator[GenotypeChunk]:
        """Dosages and the calls that these are sure of. Some runs of records are read and decoded ahead."""
        rows = np.arange(self._variants.height, dtype=np.int64) if wanted is None else wanted
        per_chunk = max(1, chunk_bytes // max(1, row_bytes(last - first) + 4 * (last - first)))
        cuts = (rows[at : at + per_chunk] for at in range(0, len(rows), per_chunk))
        ahead = _AT_ONCE[self._scheme]
        with ThreadPoolExecutor(ahead) as pool:
            runs = (run for cut in cuts for run in self._runs(cut))
            for run, made in read_ahead(runs, lambda r: pool.submit(self._decoded, r, first, last), ahead + 1):
                yield GenotypeChunk(run.records, last - first, *made)

    def _runs(self, rows: NDArray[np.int64]) -> Iterator[_Run]:
        """Variants of `rows`, by runs of the file. `_Run.records` are variants, of which several may be of a record."""
        starts, sizes = self._index.start[self._record[rows]], self._index.size[self._record[rows]]
        begin = 0
        for at in range(1, len(rows) + 1):
            apart = at == len(rows) or starts[at] - (starts[at - 1] + sizes[at - 1]) > _NEAR[self._scheme]
            if apart or starts[at] + sizes[at] - starts[begin] > _SPAN[self._scheme]:
                last = int(starts[at - 1] + sizes[at - 1])
                yield _Run(rows[begin:at], int(starts[begin]), last - int(starts[begin]))
                begin = at

    def _decoded(
        self, run: _Run, first: int, last: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8] | None]:
        body = memoryview(self._read(run.start, run.length))
        samples = last - first
        dosage = np.empty((len(run.records), samples), np.float32)
        single: NDArray[np.bool_] | None = None
        known: tuple[int, Copies] | None = None
        for row, variant in enumerate(run.records.tolist()):
            record = int(self._record[variant])
            if known is None or known[0] != record:
                known = record, self._copies(body, record, run.start)
            copies = known[1]
            allele = int(self._allele[variant])
            # A record of one allele says who has REF: everybody who is called.
            dosage[row] = 2 - copies.of[0, first:last] if allele == NO_ALLELE else copies.of[allele, first:last]
            if copies.single is not None:
                single = np.zeros(dosage.shape, np.bool_) if single is None else single
                single[row] = copies.single[first:last]
        haploid = None if single is None else np.packbits(single, axis=1, bitorder="little")
        return pack(certain_calls(dosage, single)), dosage, haploid

    def _copies(self, body: memoryview, record: int, start: int) -> Copies:
        """Those of all alleles of a record. What the index says of it is checked."""
        at, size = int(self._index.start[record]) - start, int(self._index.size[record])
        block = bytes(body[at : at + size])
        head = self._head(block, record)
        stored = block[head.probabilities :]
        if head.inflated is not None:
            stored = inflated(stored, self._header.compression, head.inflated, self._header.samples, len(head.alleles))
        return copies_of(stored, self._header.samples, len(head.alleles))

    def _head(self, block: bytes, record: int) -> VariantHead:
        try:
            head = read_head(block, self._header.compression)
        except (Unfinished, UnicodeDecodeError):
            raise _OTHER from None
        said = self._index.records.row(record, named=True)
        if head.size != len(block) or (head.chrom, head.pos) != (said["chrom"], said["pos"]):
            raise _OTHER
        if list(head.alleles) != said["alleles"]:
            raise _OTHER
        return head

    def close(self) -> None:
        """Nothing is held open."""


def _whole(uri: str, storage: StorageSettings | None) -> tuple[bytes, FileVersion]:
    folder, name = split(uri)
    store = open_store(folder, storage)
    head = store.head(name)
    gone = SpecError(f"input.samples: {uri} is not there: correct it")
    if head is None:
        raise gone
    try:
        return store.get(name, if_etag=head.etag), FileVersion(name, head.size, head.etag)
    except ObjectMissing:
        raise gone from None
