"""The variants of the genotypes, ordered so that rows of scoring files are found among them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.builds import chromosome_key, normal_build

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""(row, place of a variant) of every row with every variant that it may name, ascending."""


class Target:
    """Made once for all scores of a run. A place is a row of `variants`.

    `frequencies` (`variant_idx`, `alt_freq`) of the whole cohort are needed for ambiguous SNPs by frequency alone.
    """

    def __init__(
        self, variants: pl.DataFrame, frequencies: pl.DataFrame | None = None, build: str | None = None
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
        self.alt_frequency: NDArray[np.float64] | None = None
        if frequencies is not None:
            joined = variants.select("variant_idx").join(
                frequencies, on="variant_idx", how="left", maintain_order="left"
            )
            self.alt_frequency = joined["alt_freq"].fill_null(np.nan).to_numpy()

    def at_positions(self, rows: pl.DataFrame) -> Pairs:
        """Variants at the `chrom` and `pos` of rows in normal form."""
        return self._ranges(self._sites(rows["chrom"], rows["pos"]))

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
