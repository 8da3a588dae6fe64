"""Ranges of variants of PLINK and BGEN files as records, in a worker."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import RecordError
from schemas.status import Status
from workers.genomics.contract import GenotypeChunk
from workers.genomics.files.joined import FileSource
from workers.genomics.kernels.codes import unpack
from workers.genomics.table.layout import CONVERTED, DOSAGE_MISSING, DOSAGE_ONE, OUTCOMES, SPLIT, UNREADABLE
from workers.genomics.table.records import Calls, Chunk, Records, no_calls, no_variants

_CHUNK_BYTES = 16 << 20
_COPIES = np.array([0, 1, 2, np.nan], np.float32)


class PlinkReader:
    """Implements `workers.genomics.table.records.RecordReader`."""

    def __init__(self, source: FileSource) -> None:
        self._source = source
        self.samples: pl.DataFrame = source.samples()
        self.dosages = source.has_dosages
        records = source.records()
        alleles = np.bincount(records, minlength=1) + 1
        self._variants = source.variants().with_columns(
            end=pl.lit(None, pl.Int32),
            record=pl.Series(records),
            n_alleles=pl.when(pl.col("alt").is_null()).then(1).otherwise(pl.Series(alleles[records])).cast(pl.Int32),
        )

    def records(self, chunk: Chunk) -> Iterator[Records]:
        """The records of the chunk. Outcomes come last: a record may be read in two steps."""
        variants = self._variants[chunk.start : chunk.stop]
        variants = variants.with_columns(pl.col("record") - variants["record"][0])
        samples, done = self.samples.height, 0
        trouble: RecordError | None = None
        wanted = np.arange(chunk.start, chunk.stop, dtype=np.int64)
        given = variants.select(no_variants().columns)
        try:
            for found in self._source.chunks(0, samples, wanted, _CHUNK_BYTES):
                count = len(found.variant_idx)
                yield Records(pl.DataFrame(schema=OUTCOMES), given[done : done + count], _calls(found))
                done += count
        except RecordError as error:
            trouble = error
        yield Records(_outcomes(variants, done, trouble), no_variants(), no_calls(samples))


def _outcomes(variants: pl.DataFrame, done: int, trouble: RecordError | None) -> pl.DataFrame:
    """One row a record; those of whose variants not all were read say why."""
    rows = variants.with_row_index("at").group_by("record", maintain_order=True).agg(
        pl.col("chrom").first(),
        pl.col("pos").first(),
        n_variants=(pl.col("at") < done).sum().cast(pl.Int32),
        whole=(pl.col("at") < done).all(),
    )  # fmt: skip
    outcome = pl.when(pl.col("n_variants") > 1).then(pl.lit(SPLIT)).otherwise(pl.lit(CONVERTED))
    status, reason = (Status.OK, None) if trouble is None else (trouble.status, trouble.detail)
    return rows.with_columns(
        status=pl.when("whole").then(pl.lit(str(Status.OK))).otherwise(pl.lit(str(status))),
        outcome=pl.when("whole").then(outcome).otherwise(pl.lit(UNREADABLE)),
        reason=pl.when("whole").then(None).otherwise(pl.lit(reason, pl.String)),
        n_undosed=pl.lit(None, pl.Int64),
        n_filtered=pl.lit(None, pl.Int64),
    ).select(*OUTCOMES)


def _calls(found: GenotypeChunk) -> Calls:
    if found.dosage is None:
        return Calls(found.packed, found.haploid)
    differs = _differs(found.dosage, found.packed, found.samples)
    if not differs.any():
        return Calls(found.packed, found.haploid)
    scaled = np.rint(found.dosage.clip(0, 2) * DOSAGE_ONE)
    dosage = np.where(np.isnan(scaled), DOSAGE_MISSING, scaled).astype(np.uint16)
    return Calls(found.packed, found.haploid, dosage, differs)


def _differs(dosage: NDArray[np.float32], packed: NDArray[np.uint8], samples: int) -> NDArray[np.bool_]:
    """(variants,) whether dosages say more than the calls."""
    copies = _COPIES[unpack(packed, samples)]
    same = (dosage == copies) | (np.isnan(dosage) & np.isnan(copies))
    return np.asarray(~same.all(axis=1))
