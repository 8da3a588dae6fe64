"""Sex of samples from their calls on X, for sources that do not say it, and the counts that follow from it.

The figure is the inbreeding coefficient of X outside of its pseudo-autosomal regions, with the frequencies of the
cohort: (observed - expected homozygous) / (called - expected), below 0.2 a woman's and above 0.8 a man's (as in plink
--check-sex, which takes the same limits).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from cluster.storage import Store
from schemas.errors import SpecError
from workers.genomics.chromosomes import FEMALE, MALE, MT, X, Y
from workers.genomics.kernels.codes import row_bytes, unpack
from workers.genomics.table.counts import BlockCounter, Tally, joined_tallies
from workers.genomics.table.layout import BLOCK, TABLE, blocks_of, genotypes_key
from workers.genomics.table.records import Calls
from workers.genomics.table.values import bytes_of
from workers.reading.parquet_bounds import parquet_file

FEWEST_SAMPLES = 10
"""A smaller cohort says too little of frequencies."""
_FEMALE_BELOW, _MALE_ABOVE = 0.2, 0.8
_ROWS = 256


class TableCalls:
    """Calls of the parts of a table that is being made. A part is a row of `PART_COLUMNS`."""

    def __init__(self, store: Store, samples: int) -> None:
        self._store = store
        self.samples = samples

    def blocks(self, part: dict[str, Any]) -> Iterator[tuple[int, slice, Calls]]:
        """Some rows of one block of samples at a time: the block, the rows of the part, and their calls."""
        for block in range(blocks_of(self.samples)):
            width = min(BLOCK, self.samples - block * BLOCK)
            file = parquet_file(self._store.open_reader(TABLE + genotypes_key(part["chrom"], block, part["part"])))
            at = 0
            for batch in file.iter_batches(_ROWS, columns=["packed", "haploid", "dosage"], use_threads=False):
                table = pa.Table.from_batches([batch])
                yield block, slice(at, at + table.num_rows), _calls(table, width)
                at += table.num_rows


def _calls(table: Any, width: int) -> Calls:
    packed, _ = bytes_of(table["packed"], row_bytes(width))
    bits, single = bytes_of(table["haploid"], -(-width // 8))
    haploid = np.where(single[:, None], bits, np.uint8(0)) if single.any() else None
    stored, has = bytes_of(table["dosage"], 2 * width)
    if not has.any():
        return Calls(np.ascontiguousarray(packed), haploid)
    return Calls(np.ascontiguousarray(packed), haploid, np.ascontiguousarray(stored).view("<u2"), has)


def imputed_sexes(
    calls: TableCalls, parts: Sequence[tuple[dict[str, Any], pl.DataFrame]], build: str | None
) -> NDArray[np.int8]:
    """1, 2 or 0 of every sample. `parts` with the variants of each. Raises SpecError where nothing can tell it."""
    counter = BlockCounter(np.zeros(calls.samples, np.int8), build)
    het, called, expected = np.zeros((3, calls.samples))
    for part, variants in parts:
        if part["chrom"] != X:
            continue
        share = variants["alt_freq"].fill_null(np.nan).to_numpy()
        of_x = (counter.chroms(variants) == X).to_numpy() & (share > 0) & (share < 1)
        homozygous = 1 - 2 * share * (1 - share)
        for block, rows, some in calls.blocks(part):
            kept = np.flatnonzero(of_x[rows])
            start, width = block * BLOCK, min(BLOCK, calls.samples - block * BLOCK)
            codes = unpack(some.packed[kept], width)
            here = slice(start, start + width)
            known = codes != 3
            het[here] += (codes == 1).sum(axis=0)
            called[here] += known.sum(axis=0)
            expected[here] += (known * homozygous[rows][kept][:, None]).sum(axis=0)
    if calls.samples < FEWEST_SAMPLES or not called.any():
        raise SpecError(
            f"input.impute_sex: needs {FEWEST_SAMPLES} samples at least and variants of X that differ among them: name "
            "a table as input.sex instead"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (called - het - expected) / (called - expected)
    return np.select([f < _FEMALE_BELOW, f > _MALE_ABOVE], [FEMALE, MALE], 0).astype(np.int8)


def recounted(
    calls: TableCalls, part: dict[str, Any], variants: pl.DataFrame, sex: NDArray[np.int8], build: str | None
) -> pl.DataFrame:
    """The variants of a part with the counts of samples of this sex; those of autosomes are what they were."""
    if part["chrom"] not in (X, Y, MT):
        return variants
    counter = BlockCounter(sex, build)
    chroms = counter.chroms(variants)
    tallies: dict[int, Tally] = {}
    for block, rows, some in calls.blocks(part):
        tally = counter.count(some, chroms[rows.start : rows.stop], block)
        tallies[rows.start] = tallies[rows.start] + tally if rows.start in tallies else tally
    whole = joined_tallies([tallies[at] for at in sorted(tallies)])
    return variants.with_columns(**counter.columns(whole, chroms))
