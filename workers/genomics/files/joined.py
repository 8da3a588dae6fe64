"""Several sets of genotype files of the same samples as one source: their variants one behind another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.genomics.contract import VARIANT_SCHEMA, CountsCalls, GenotypeChunk, GenotypeSource
from workers.genomics.files.fileset import FileVersion


class FileSource(GenotypeSource, Protocol):
    """A `GenotypeSource` over files, whose variants are numbered from 0 without a gap."""

    has_dosages: bool

    def versions(self) -> list[FileVersion]:
        """The files as they are now, the genotypes first: what `planned` takes."""

    def records(self) -> NDArray[np.int64]:
        """(variants,) which record of the file each variant comes from, numbered from 0."""


@dataclass(frozen=True)
class Stretch:
    """The variants of one set: from number `first` to `last - 1` of the whole. `main` is its file of genotypes."""

    main: FileVersion
    first: int
    last: int


class JoinedSource:
    """A `FileSource` over several. Raises SpecError where their samples are not the same in the same order."""

    def __init__(self, parts: Sequence[FileSource]) -> None:
        self._parts = parts
        self.has_dosages = any(part.has_dosages for part in parts)
        self._samples = _common_samples([(part.versions()[0].name, part.samples()) for part in parts])
        frames = [part.variants() for part in parts]
        self._first = np.cumsum([0, *(frame.height for frame in frames)]).tolist()
        self._variants = pl.concat(_numbered(parts, frames, self._first))

    def versions(self) -> list[FileVersion]:
        """The files of all parts, part by part."""
        return [version for part in self._parts for version in part.versions()]

    def stretches(self) -> list[Stretch]:
        """Where the variants of each part lie among all."""
        return [
            Stretch(part.versions()[0], self._first[at], self._first[at + 1]) for at, part in enumerate(self._parts)
        ]

    def variants(self) -> pl.DataFrame:
        """Those of all parts, numbered on; so are the records that they come from."""
        return self._variants

    def samples(self) -> pl.DataFrame:
        """The samples, which all parts have. A sex that only some parts know is known."""
        return self._samples

    def records(self) -> NDArray[np.int64]:
        """Records of all parts, numbered on."""
        return self._variants["record"].to_numpy()

    def chunks(
        self, first: int, last: int, wanted: NDArray[np.int64] | None, chunk_bytes: int
    ) -> Iterator[GenotypeChunk]:
        """Those of each part in turn, under the numbers of the whole."""
        for part, start, rows in self._wanted(wanted):
            for chunk in part.chunks(first, last, rows, chunk_bytes):
                yield replace(chunk, variant_idx=chunk.variant_idx + start)

    def call_counts(self, wanted: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Calls by kind; None where a part cannot count without giving them."""
        found = [np.zeros((0, 4), np.int64)]
        for part, _, rows in self._wanted(wanted):
            counts = part.call_counts(rows) if isinstance(part, CountsCalls) and rows is not None else None
            if counts is None:
                return None
            found.append(counts)
        return np.concatenate(found)

    def _wanted(self, wanted: NDArray[np.int64] | None) -> Iterator[tuple[FileSource, int, NDArray[np.int64] | None]]:
        """The parts that are needed, the number of their first variant, and which of their own are wanted."""
        for part, start, stop in zip(self._parts, self._first[:-1], self._first[1:], strict=True):
            if wanted is None:
                yield part, start, None
                continue
            low, high = np.searchsorted(wanted, [start, stop])
            if low < high:
                yield part, start, wanted[low:high] - start

    def close(self) -> None:
        """Close every part."""
        for part in self._parts:
            part.close()


def open_joined(uris: Sequence[str], opened: Callable[[str], FileSource]) -> FileSource:
    """The source of these sets: a single one as it is."""
    parts = [opened(uri) for uri in uris]
    return parts[0] if len(parts) == 1 else JoinedSource(parts)


def stretches_of(source: FileSource) -> list[Stretch]:
    """Those of a joined source; of any other the only one."""
    if isinstance(source, JoinedSource):
        return source.stretches()
    return [Stretch(source.versions()[0], 0, source.variants().height)]


def _numbered(parts: Sequence[FileSource], frames: Sequence[pl.DataFrame], first: Sequence[int]) -> list[pl.DataFrame]:
    """The variants of each part under the numbers of the whole."""
    found, before = [], 0
    for part, frame, start in zip(parts, frames, first, strict=False):
        records = part.records()
        record = pl.Series(records + before, dtype=pl.Int64)
        found.append(frame.select(pl.col("variant_idx") + start, *list(VARIANT_SCHEMA)[1:], record.alias("record")))
        before += int(records[-1]) + 1 if len(records) else 0
    return found


def _common_samples(of_files: Sequence[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    (first, samples), *others = of_files
    for name, more in others:
        if not more.select("fid", "iid").equals(samples.select("fid", "iid")):
            raise SpecError(
                f"{name!r} has other samples than {first!r}, or in another order: files that are read as one need the "
                "same (plink2 --keep SAMPLES --indiv-sort file SAMPLES)"
            )
        known = pl.DataFrame({"had": samples["sex"], "has": more["sex"]})
        if known.select(((pl.col("had") != pl.col("has")) & (pl.col("had") * pl.col("has") != 0)).any()).item():
            raise SpecError(f"{name!r} says another sex of a sample than a file before it: correct one of them")
        samples = samples.with_columns(sex=known.select(pl.max_horizontal("had", "has")).to_series())
    return samples
