"""Genotypes of PLINK 2: .pgen with .pvar and .psam, decoded by pgenlib from a file on this node."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pgenlib
import polars as pl
from numpy.typing import NDArray

from cluster.storage import ObjectChanged, StorageSettings, Store, open_store, parse
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from schemas.wording import counted
from workers.genomics.contract import VARIANT_SCHEMA, GenotypeChunk
from workers.genomics.files.fileset import Fileset, FileVersion
from workers.genomics.files.node_files import NodeFile
from workers.genomics.files.pgen_header import PLAIN_BED, read_header
from workers.genomics.files.pvar_psam import ALLELE, RECORD, read_psam, read_pvar
from workers.genomics.kernels.codes import pack, row_bytes, take_samples
from workers.genomics.kernels.counts import count_calls, sample_mask

T = TypeVar("T")
_PARTS = {"pgen": (".pgen",), "pvar": (".pvar", ".pvar.zst", ".bim"), "psam": (".psam", ".fam")}
_BLOCK = 384 << 10
"""Bytes of int8 calls that are decoded and packed at a time: they stay in the cache of a core."""
_AT_ONCE = 64
"""Variants whose calls are read to be counted, at a time."""
_DAMAGED = "the .pgen file is damaged"
_DAMAGED_OR_FEWER = "the .pgen file is damaged, or its .pvar lists fewer alleles than it has calls of"
_CUT_LATER = 4
"""The part of all samples from which on they are cut when packed."""


class PgenSource:
    """A `GenotypeSource`. A line of .pvar with several ALT gives a variant for each: its calls count that ALT.

    What lies on S3 is fetched to this node first. Phase is not read. Raises SpecError if the files do not fit each
    other, ObjectChanged if not as `planned`.
    """

    def __init__(self, uri: str, storage: StorageSettings | None = None, planned: Sequence[FileVersion] = ()) -> None:
        self._files = Fileset(uri, _PARTS, storage, planned)
        self._storage = storage
        self._node_file: NodeFile | None = None
        pgen = self._files.file("pgen")
        self._header = read_header(lambda start, length: self._files.get("pgen", start, length), pgen.size, pgen.name)
        self.has_dosages = self._header.dosages
        self._alleles = read_pvar(self._files.text("pvar"), self._files.file("pvar").name)
        self._samples = read_psam(self._files.text("psam"), self._files.file("psam").name)
        self._check()

    def versions(self) -> list[FileVersion]:
        """The files as they are now: what `planned` takes."""
        return self._files.versions()

    def _check(self) -> None:
        name, header = self._files.file("pgen").name, self._header
        if header.mode == PLAIN_BED:
            raise SpecError(f"{name!r} is a .bed file by its first bytes: rename it and set input.format to bed")
        records = int(self._alleles[RECORD][-1]) + 1 if self._alleles.height else 0
        samples = self._samples.height
        if header.variants != records:
            raise SpecError(
                f"{name!r} has {counted(header.variants, 'variant')} and {self._files.file('pvar').name!r} {records}: "
                "they do not belong together"
            )
        self._refuse_fewer_alleles(name)
        if header.samples != samples:
            raise SpecError(
                f"{name!r} has {counted(header.samples, 'sample')} and {self._files.file('psam').name!r} {samples}: "
                "they do not belong together"
            )

    def _refuse_fewer_alleles(self, name: str) -> None:
        """Calls of an ALT that .pvar does not list would be read as calls of others."""
        listed = np.bincount(self._alleles[RECORD].to_numpy(), minlength=self._header.variants) + 1
        wrong = np.zeros(len(listed), np.bool_)
        if self._header.alleles is not None:
            wrong |= listed != self._header.alleles
        if self._header.several is not None:
            wrong |= self._header.several & (listed < 3)
        if wrong.any():
            raise SpecError(
                f"{self._files.file('pvar').name!r} lists {int(listed[wrong.argmax()]) - 1} ALT alleles of its variant "
                f"number {int(wrong.argmax()) + 1}, and {name!r} has calls of another number of them: they do not "
                "belong together"
            )

    def variants(self) -> pl.DataFrame:
        """The variants as rows of `VARIANT_SCHEMA`, with their `record`: a variant is an ALT of a line of .pvar."""
        return self._alleles.select(*VARIANT_SCHEMA, pl.col(RECORD).cast(pl.Int64).alias("record"))

    def samples(self) -> pl.DataFrame:
        """The samples as rows of `SAMPLE_SCHEMA`: a sample is a line of .psam."""
        return self._samples

    def records(self) -> NDArray[np.int64]:
        """(variants,) the line of .pvar that each comes from, 0-based."""
        return self._alleles[RECORD].to_numpy().astype(np.int64)

    def chunks(
        self, first: int, last: int, wanted: NDArray[np.int64] | None, chunk_bytes: int
    ) -> Iterator[GenotypeChunk]:
        """Calls as pgenlib reads them. Dosages are given for all variants of a file that has any."""
        path = self._local()
        idx = np.arange(self._alleles.height, dtype=np.int64) if wanted is None else wanted
        samples = last - first
        per_variant = row_bytes(samples) + (4 * samples if self._header.dosages else 0)
        per_chunk = max(1, chunk_bytes // max(1, per_variant))
        with closing(self._decoder(path, first, last)) as decoder:
            for at in range(0, len(idx), per_chunk):
                cut = idx[at : at + per_chunk]
                packed = decoder.ask(partial(_Reader.calls, idx=cut))
                dosage = decoder.ask(partial(_Reader.dosages, idx=cut)) if self._header.dosages else None
                yield GenotypeChunk(cut, samples, packed, dosage)

    def call_counts(self, wanted: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Calls by kind; pgenlib counts the rare ones without looking at every sample."""
        if self._header.dosages:
            return None
        path = self._local()
        with closing(self._decoder(path, 0, self._header.samples)) as decoder:
            return decoder.ask(lambda reader: reader.counts(wanted))

    def _decoder(self, path: Path, first: int, last: int) -> _Decoder:
        opened = partial(_Reader, path, self._alleles, self._header.samples, first, last)
        # Of three ALTs and two that are listed nothing tells before the record is read.
        harm = _DAMAGED if self._header.several is None or not self._header.several.any() else _DAMAGED_OR_FEWER
        return _Decoder(path, opened, open_store(str(path.parent), self._storage), harm)

    def _local(self) -> Path:
        """The .pgen file as planned, on this node."""
        place = parse(self._files.uri("pgen"))
        if place.scheme != "file":
            if self._node_file is None:
                self._node_file = NodeFile(self._files.store, self._files.file("pgen"))
            return self._node_file.path
        # One byte, which checks that the file is the planned one: pgenlib opens it by its path.
        self._files.get("pgen", 0, 1)
        return Path(place.path)

    def close(self) -> None:
        """Let the fetched file be given up."""
        if self._node_file is not None:
            self._node_file.close()
            self._node_file = None


class _Decoder:
    """One version of a file through pgenlib, which says the same of a damaged file and of a disk that fails.

    So where it raises, the whole file is read once through `disk`, which raises InfrastructureError if that fails, and
    then decoded again: only what fails on a disk that is well is damage.
    """

    def __init__(self, path: Path, opened: Callable[[], _Reader], disk: Store, harm: str) -> None:
        self._harm = harm
        self._path = path
        self._opened = opened
        self._disk = disk
        self._reader: _Reader | None = None
        self._identity: tuple[int, int, int] | None = None

    def ask(self, work: Callable[[_Reader], T]) -> T:
        """What `work` makes of the open file. Raises RecordError for damage, ObjectMissing, ObjectChanged."""
        for _ in range(2):
            try:
                if self._reader is None:
                    self._same()
                    self._reader = self._opened()
                found = work(self._reader)
                self._same()
                return found
            except (RuntimeError, OSError):
                self.close()
                self._disk.sha256(self._path.name)
        raise RecordError(Status.UNREADABLE, self._harm)

    def _same(self) -> None:
        found = os.stat(self._path)
        identity = found.st_ino, found.st_size, found.st_mtime_ns
        if self._identity not in (None, identity):
            raise ObjectChanged
        self._identity = identity

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class _Reader:
    """pgenlib over one range of samples, by `variant_idx`.

    Hard calls of many samples are decoded of everybody and cut when packed: of half of them pgenlib takes half as long
    again as of all, of a quarter as long.
    """

    def __init__(self, path: Path, alleles: pl.DataFrame, raw_samples: int, first: int, last: int) -> None:
        self._record = alleles[RECORD].to_numpy()
        self._allele = alleles[ALLELE].to_numpy()
        self._several = (np.bincount(self._record) > 1)[self._record]
        self._path, self._cohort = os.fsencode(path), raw_samples
        self._subset = None if last - first == raw_samples else np.arange(first, last, dtype=np.uint32)
        cut_later = _CUT_LATER * (last - first) >= raw_samples
        self._first, self._last = (first, last) if cut_later else (0, last - first)
        self._samples = raw_samples if cut_later else last - first
        self._calls: Any = self._open(None if cut_later else self._subset)
        self._dosages: Any = None

    def _open(self, subset: NDArray[np.uint32] | None) -> Any:
        return pgenlib.PgenReader(
            self._path, raw_sample_ct=self._cohort, sample_subset=subset, allele_idx_offsets=self._offsets()
        )

    def _offsets(self) -> NDArray[np.uint64] | None:
        """Where the alleles of each record begin, REF counted; None if none has several ALT."""
        if not self._several.any():
            return None
        counts = np.bincount(self._record) + 1
        # The type that pgenlib's C code takes as it is.
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.uintp)

    def calls(self, idx: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Packed hard calls: copies of the variant's ALT."""
        packed = np.empty((len(idx), row_bytes(self._last - self._first)), np.uint8)
        rows = min(len(idx), max(1, _BLOCK // max(1, self._samples)))
        block = np.empty((rows, self._samples), np.int8)
        for at in range(0, len(idx), rows):
            cut = idx[at : at + rows]
            self._read(cut, block[: len(cut)])
            packed[at : at + rows] = take_samples(pack(block[: len(cut)]), self._first, self._last)
        return packed

    def _read(self, idx: NDArray[np.int64], calls: NDArray[np.int8]) -> None:
        record, allele = self._record[idx], self._allele[idx]
        # Ranges and lists are for first ALTs only.
        if allele.max() > 1:
            for row, (variant, which) in enumerate(zip(record.tolist(), allele.tolist(), strict=True)):
                self._calls.read(variant, calls[row], allele_idx=which)
        elif record[-1] - record[0] == len(record) - 1:
            self._calls.read_range(int(record[0]), int(record[-1]) + 1, calls)
        else:
            self._calls.read_list(record, calls)

    def counts(self, idx: NDArray[np.int64]) -> NDArray[np.int64]:
        """(variants, 4): calls of each code, of all samples.

        pgenlib counts records of one ALT; asked for an ALT of several it answers for another allele.
        """
        counts = np.empty((len(idx), 4), np.uint32)
        several = self._several[idx]
        for row, variant in zip(np.flatnonzero(~several).tolist(), self._record[idx[~several]].tolist(), strict=True):
            self._calls.count(variant, counts[row])
        everybody = sample_mask(np.ones(self._samples, np.bool_))
        rows = np.flatnonzero(several)
        for at in range(0, len(rows), _AT_ONCE):
            cut = rows[at : at + _AT_ONCE]
            counts[cut] = count_calls(self.calls(idx[cut]), everybody)
        return counts.astype(np.int64)

    def dosages(self, idx: NDArray[np.int64]) -> NDArray[np.float32]:
        """(variants, samples) copies of the variant's ALT, NaN where missing; hard calls where there is no dosage."""
        if self._dosages is None:
            self._dosages = self._open(self._subset)
        copies = np.empty((len(idx), self._last - self._first), np.float32)
        for row, (variant, which) in enumerate(
            zip(self._record[idx].tolist(), self._allele[idx].tolist(), strict=True)
        ):
            self._dosages.read_dosages(variant, copies[row], allele_idx=which)
        # pgenlib gives -9 for a missing call.
        copies[copies < 0] = np.nan
        return copies

    def close(self) -> None:
        """Close the file."""
        self._calls.close()
        if self._dosages is not None:
            self._dosages.close()
