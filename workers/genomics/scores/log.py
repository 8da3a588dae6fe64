"""The tables that matching writes: a row a row of each file, a row a score, a row a variant that counts."""

from typing import Any

import polars as pl

LOG_SCHEMA: dict[str, Any] = {
    "score": pl.String,
    "row_nr": pl.Int64,
    "row_id": pl.String,
    "row_chrom": pl.String,
    "row_pos": pl.Int64,
    "effect_allele": pl.String,
    "other_allele": pl.String,
    "outcome": pl.String,
    "match_type": pl.String,
    "reason": pl.String,
    "ambiguous": pl.Boolean,
    "variant_idx": pl.Int64,
    "chrom": pl.String,
    "pos": pl.Int32,
    "id": pl.String,
    "ref": pl.String,
    "alt": pl.String,
    "effect_is_ref": pl.Boolean,
    "alts": pl.Int32,
}
"""The match log: every row of a scoring file once, in its order; for a table of many scores `score` is its name.
`row_...` and the alleles are the file's, `chrom` to `alt` those of the variant of the genotypes that it names,
also where it is excluded after it was found, and null where there is none. `match_type`, `outcome` and `reason`:
`workers.genomics.scores.reasons`. `alts`: alternative alleles at that site that copies of REF are counted against."""

SUMMARY_SCHEMA: dict[str, Any] = {
    "score": pl.String,
    "file": pl.String,
    "build": pl.String,
    "n_variants": pl.Int64,
    "matched": pl.Int64,
    "excluded": pl.Int64,
    "unmatched": pl.Int64,
    "ambiguous": pl.Int64,
    "flipped": pl.Int64,
    "overlap": pl.Float64,
    "position_overlap": pl.Float64,
    "status": pl.String,
    "detail": pl.String,
    "warning": pl.String,
}
"""A row a score. Of its `n_variants` rows each is matched, excluded or unmatched; `overlap` is the matched share.
`ambiguous` are A/T and C/G among the found, `flipped` the matched on the other strand. `position_overlap`: share of the
file's rows for which the genotypes have a variant at that position (or with that id), whatever its alleles. `warning`:
what is odd about the file, and kept nothing from being read."""

ENTRY_SCHEMA: dict[str, Any] = {
    "variant_idx": pl.Int64,
    "flip": pl.UInt8,
    "kind": pl.UInt8,
    "others": pl.List(pl.Int64),
    "site": pl.Int64,
    "weights": pl.List(pl.Float64),
}
"""What counts: a row a matched row, `weights` one a score of the file, NaN where that score has none. `flip` and `kind`
as in `workers.genomics.contract.Weights`. `others`: the other records of a site of several ALTs whose REF counts, with
which it is joined; mostly empty. `site` is the smallest `variant_idx` of the records of the site: its alleles are
counted once. Within a block of reference each position is a site, with a number below 0."""
