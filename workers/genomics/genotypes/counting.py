"""Stage `count`: alleles and calls of the whole cohort, of every variant that is read later on."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.rows import stage_columns
from schemas.status import Status
from workers.finished_runs.stage import stage_at
from workers.genomics.chromosomes import MT, XY, X, Y
from workers.genomics.contract import CountsCalls
from workers.genomics.genotypes.earlier import all_rows, encode, no_counts
from workers.genomics.genotypes.groups import OK
from workers.genomics.genotypes.layout import COUNT, FILE, MATCH, counts_key
from workers.genomics.genotypes.ploidy import Haploid, Numbers, is_among
from workers.genomics.genotypes.scanning import chunk_bytes
from workers.genomics.genotypes.source import Genotypes, GenotypeStage
from workers.genomics.kernels.counts import CohortCounter, Counts
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable, SideObject
from workers.pipeline.rowtable import build_rows
from workers.reading.parquet_bounds import parquet_table

_HELD = 1 << 24
"""Numbers of variants that are held before those that are there twice are left out."""


def wanted_variants(context: StageContext, genotypes: Genotypes) -> Numbers | None:
    """Ascending; None for all: where everything is looked at, or nothing was matched yet."""
    state = context.run.parts["state"]
    if genotypes.settings.qc == "all" or "after" not in state:
        return None
    rows = all_rows(stage_at(context.store, MATCH), ["verdict", "number", "entries_key"])
    parts = [np.zeros(0, np.int64)]
    for (key,), scored in rows.filter(rows["verdict"] == OK).group_by("entries_key", maintain_order=True):
        numbers = scored["number"].drop_nulls().unique().to_numpy()
        columns = ["variant_idx", "others", *([FILE] if len(numbers) else [])]
        table = parquet_table(context.store.open_reader(str(key)), columns)
        if len(numbers):
            # Beside the files that are scored there may lie some of too low overlap; a panel is alone.
            table = table.filter(np.isin(table[FILE].to_numpy(), numbers))
        parts += [table["variant_idx"].to_numpy(), pc.list_flatten(table["others"]).to_numpy()]
        if sum(map(len, parts)) > _HELD:
            parts = [np.unique(np.concatenate(parts))]
    return np.unique(np.concatenate(parts))


COLUMNS = stage_columns(COUNT, ("counted", "int64", "variants that were counted"))


class CountStage(GenotypeStage):
    """Implements `workers.pipeline.kinds.ShardStage`. A shard is a range of variants."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        super().__init__(context, genotypes)
        self._wanted: Numbers | None = None
        self._chrom: NDArray[np.object_] | None = None

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Count one range of variants over the whole cohort; the counts lie in a side object."""
        (row,) = records.to_pylist()
        with self._genotypes.as_planned(row["etag"]):
            wanted = self._of_range(row["low"], row["high"])
            counts = self._count(wanted) if len(wanted) else no_counts()
        body = encode(counts, self._context.run.fingerprint)
        table = build_rows(records, self._context.layout, {"counted": [counts.height]}, [Status.OK])
        return ShardTable(table, [SideObject(counts_key(shard), body)])

    def _of_range(self, low: int, high: int) -> Numbers:
        if self._wanted is None:
            known = wanted_variants(self._context, self._genotypes)
            self._wanted = self._genotypes.variants["variant_idx"].to_numpy() if known is None else known
        first, last = np.searchsorted(self._wanted, [low, high])
        return self._wanted[first:last]

    def _count(self, wanted: Numbers) -> pl.DataFrame:
        genotypes = self._genotypes
        if self._chrom is None:
            self._chrom = chromosomes(genotypes.variants, genotypes.build, genotypes.samples)
        index = genotypes.variants["variant_idx"].to_numpy()
        counter = CohortCounter(genotypes.samples["sex"].to_numpy())
        names = self._chrom[np.searchsorted(index, wanted)]
        plain = self._count_plain(wanted[~np.isin(names, (X, Y, MT))])
        frames = [no_counts(), plain]
        left = wanted[~is_among(wanted, plain["variant_idx"].to_numpy())]
        size = chunk_bytes(genotypes.settings, self._context.compute)
        for chunk in genotypes.opened.chunks(0, genotypes.samples.height, left, size) if len(left) else ():
            names = self._chrom[np.searchsorted(index, chunk.variant_idx)]
            frames.append(counter.count(chunk, names).table())
        return pl.concat(frames).sort("variant_idx")

    def _count_plain(self, wanted: Numbers) -> pl.DataFrame:
        """Variants of which everybody has two alleles, where the source can count them without giving the calls."""
        source = self._genotypes.opened
        calls = source.call_counts(wanted) if isinstance(source, CountsCalls) and len(wanted) else None
        if calls is None:
            return no_counts()
        alts, alleles = calls[:, 1] + 2.0 * calls[:, 2], 2 * calls[:, :3].sum(axis=1)
        nothing = np.zeros(0, np.int64)
        return Counts(wanted, calls, alts, alleles, nothing, calls[:0], calls[:0]).table()


def chromosomes(variants: pl.DataFrame, build: str | None, samples: pl.DataFrame) -> NDArray[np.object_]:
    """The chromosome of every variant by whose alleles count there: X in its pseudo-autosomal regions is XY, and Y,
    where no sample says its sex, is everybody's, as MT."""
    names = variants["chrom"].to_numpy().copy()
    paired = ~is_among(variants["variant_idx"].to_numpy(), Haploid(variants, build).x)
    names[(names == X) & paired] = XY
    if not samples["sex"].to_numpy().any():
        names[names == Y] = MT
    return names
