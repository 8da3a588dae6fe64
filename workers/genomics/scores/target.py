"""The variants of the genotypes, ordered so that rows of scoring files are found among them."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.builds import chromosome_key, normal_build

STAR = "*"
"""The allele that stands for one of another record: a deletion over the site, or an ALT that was split off."""

Bases = Callable[[str, Sequence[int]], Sequence[str | None]]
"""The bases of the reference at ascending 1-based positions of a chromosome, upper case; None where there is none."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""(row, place of a variant) of every row with every variant that it may name, ascending."""


class Target:
    """Made once for all scores of a run. A place is a row of `variants`.

    `frequencies` (`variant_idx`, `alt_freq`) of the whole cohort are needed for ambiguous SNPs by frequency alone.
    `bases` are those of the reference within blocks (`end` of `workers.genomics.contract.MORE_OF_VARIANTS`).
    """

    def __init__(
        self,
        variants: pl.DataFrame,
        frequencies: pl.DataFrame | None = None,
        build: str | None = None,
        bases: Bases | None = None,
    ) -> None:
        self.variants = variants
        self.build = normal_build(build)
        keys = variants.select(chromosome_key("chrom").alias("key"))["key"]
        names = keys.unique().sort().drop_nulls()
        self._codes = {name: code for code, name in enumerate(names.to_list())}
        self._site = self._sites(keys, variants["pos"])
        self._order = np.argsort(self._site, kind="stable")
        self._sorted = self._site[self._order]
        self._ids: pl.DataFrame | None = None
        self._bases = bases
        end = variants["end"] if "end" in variants.columns else pl.Series([None] * variants.height, dtype=pl.Int32)
        is_block = ((end > variants["pos"]) & variants["alt"].is_null()).fill_null(value=False).to_numpy()
        self._blocks = self._order[is_block[self._order]]
        self._block_site = self._site[self._blocks]
        self._block_last = self._block_site + (end - variants["pos"]).fill_null(0).to_numpy()[self._blocks]
        self.alt_frequency: NDArray[np.float64] | None = None
        if frequencies is not None:
            joined = variants.select("variant_idx").join(
                frequencies, on="variant_idx", how="left", maintain_order="left"
            )
            self.alt_frequency = joined["alt_freq"].fill_null(np.nan).to_numpy()

    def at_positions(self, rows: pl.DataFrame) -> Pairs:
        """Variants at the `chrom` and `pos` of rows in normal form, and reference blocks that reach over it."""
        sites = self._sites(rows["chrom"], rows["pos"])
        row, place = self._ranges(sites)
        if not len(self._blocks):
            return row, place
        before = np.searchsorted(self._block_site, sites, "left") - 1
        inside = np.flatnonzero((before >= 0) & (sites >= 0) & (sites <= self._block_last[np.maximum(before, 0)]))
        row = np.concatenate([row, inside])
        place = np.concatenate([place, self._blocks[before[inside]]])
        order = np.argsort(row, kind="stable")
        return row[order], place[order]

    def without_blocks(self, rows: pl.DataFrame, place: NDArray[np.int64]) -> NDArray[np.int64]:
        """These places; where one is a block, a number below 0 that only rows of the same position have."""
        if not len(self._blocks):
            return place.copy()
        return np.where(np.isin(place, self._blocks), -2 - self._sites(rows["chrom"], rows["pos"]), place)

    def refs(self, rows: pl.DataFrame, place: NDArray[np.int64]) -> pl.Series:
        """REF where each of these rows looks for it: the variant's, or within a block the reference's, null where none
        is given."""
        named = self.variants.select("ref", "pos")[place]
        refs, pos = named["ref"], rows["pos"].cast(pl.Int64)
        inside = ((pos != named["pos"]) & pl.Series(np.isin(place, self._blocks))).fill_null(value=False)
        if not inside.any():
            return refs
        found: dict[tuple[str, int], str | None] = {}
        asked = rows.select("chrom", "pos").filter(inside).unique().sort("chrom", "pos")
        for (chrom,), some in asked.group_by("chrom", maintain_order=True):
            positions = some["pos"].to_list()
            bases = [None] * len(positions) if self._bases is None else self._bases(str(chrom), positions)
            found |= {(str(chrom), pos): base for pos, base in zip(positions, bases, strict=True)}
        within = [found.get(key) for key in rows.select("chrom", "pos").iter_rows()]
        return pl.Series("ref", within, dtype=pl.String).zip_with(inside, refs)

    def by_ids(self, rows: pl.DataFrame) -> Pairs:
        """Variants with the `id` of each row."""
        if self._ids is None:
            self._ids = self.variants.select("id", pl.int_range(pl.len(), dtype=pl.Int64).alias("place"))
        asked = rows.select("id", pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
        found = asked.join(self._ids, on="id").sort("row", "place")
        return found["row"].to_numpy(), found["place"].to_numpy()

    def same_site(self, places: NDArray[np.int64]) -> Pairs:
        """Each of these places with every variant at its position, itself among them."""
        return self._ranges(self._site[places])

    def _ranges(self, sites: NDArray[np.int64]) -> Pairs:
        first = np.searchsorted(self._sorted, sites, "left")
        count = np.searchsorted(self._sorted, sites, "right") - first
        count[sites < 0] = 0
        row = np.repeat(np.arange(len(sites)), count)
        within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return row, self._order[np.repeat(first, count) + within]

    def _sites(self, keys: pl.Series, positions: pl.Series) -> NDArray[np.int64]:
        """One number a position; -1 where there is none, or its chromosome is not among the genotypes'."""
        code = keys.replace_strict(self._codes, default=None, return_dtype=pl.Int64)
        place = positions.cast(pl.Int64)
        # Positions have 31 bits: no chromosome reaches into the numbers of the next.
        return (code * (1 << 34) + place).fill_null(-1).to_numpy()
