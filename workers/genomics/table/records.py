"""What a reader of some format gives to the conversion: neighbouring records, and the variants that they became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.status import Status
from workers.genomics.table.layout import OUTCOMES, UNREADABLE


@dataclass(frozen=True)
class Calls:
    """Genotypes of some variants in all samples, as in `workers.genomics.contract.GenotypeChunk`.

    `dosage` are copies of ALT times `DOSAGE_ONE`, `has_dosage` says in which rows it holds.
    """

    packed: NDArray[np.uint8]
    haploid: NDArray[np.uint8] | None = None
    dosage: NDArray[np.uint16] | None = None
    has_dosage: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        assert (self.dosage is None) == (self.has_dosage is None)

    def take(self, rows: slice | NDArray[Any]) -> Calls:
        """Some of the variants."""
        return Calls(*(None if part is None else part[rows] for part in self._parts()))  # type: ignore[arg-type]  # in the order of the fields

    def _parts(self) -> tuple[NDArray[Any] | None, ...]:
        return self.packed, self.haploid, self.dosage, self.has_dosage


@dataclass(frozen=True)
class Records:
    """Some neighbouring records. `outcomes` has a row each, of `OUTCOMES`.

    `variants` has `chrom, pos, id, ref, alt` of `VARIANT_SCHEMA`, `n_alleles`, and `record`: the row of `outcomes` that
    it comes from. `calls` has as many rows. `applied`: settings that name a field of the source which was there.
    """

    outcomes: pl.DataFrame
    variants: pl.DataFrame
    calls: Calls
    applied: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Chunk:
    """A planned piece of the input, of `size` bytes. `first` is the number of its first variant."""

    key: str
    etag: str
    size: int
    kind: str
    file: int
    file_size: int
    start: int
    stop: int
    first: int


class RecordReader(Protocol):
    """The part of a converter that understands its format, in a worker."""

    @property
    def samples(self) -> pl.DataFrame:
        """The samples as rows of `SAMPLE_SCHEMA`, as they were planned."""

    @property
    def dosages(self) -> bool:
        """Whether there may be any: decides how large row groups are."""

    def records(self, chunk: Chunk) -> Iterator[Records]:
        """Every record of the chunk once, in order, some at a time.

        Raises ObjectMissing and ObjectChanged where the input is not what was planned.
        """


def outcomes_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Outcomes from rows; what is not given is null."""
    return pl.DataFrame([{name: row.get(name) for name in OUTCOMES} for row in rows], schema=OUTCOMES, orient="row")


def failed(status: Status, reason: str, samples: int, count: int = 1) -> Records:
    """Records that stand for what could not be read."""
    row = {"status": str(status), "outcome": UNREADABLE, "reason": reason, "n_variants": 0}
    return Records(outcomes_frame([row] * count), no_variants(), no_calls(samples))


def no_variants() -> pl.DataFrame:
    """The frame of records that gave none."""
    return pl.DataFrame(schema=VARIANT_GIVEN)


def no_calls(samples: int) -> Calls:
    """Calls of no variant."""
    return Calls(np.zeros((0, -(-samples // 4)), np.uint8))


VARIANT_GIVEN: dict[str, Any] = {
    "chrom": pl.String,
    "pos": pl.Int32,
    "id": pl.String,
    "ref": pl.String,
    "alt": pl.String,
    "n_alleles": pl.Int32,
    "record": pl.Int64,
    "end": pl.Int32,
}
