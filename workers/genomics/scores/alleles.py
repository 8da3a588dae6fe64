"""Whether the alleles of a row and of a variant are the same, and on which strand."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.reasons import MatchType

TYPES = ("", *reversed(tuple(MatchType)))
"""By rank: 0 is none, and more is better."""

RANK = {name: rank for rank, name in enumerate(TYPES)}

_COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}


def complement(column: str) -> pl.Expr:
    """The complement of single bases; null for longer alleles, which the other strand would anchor elsewhere."""
    return pl.col(column).replace_strict(_COMPLEMENT, default=None, return_dtype=pl.String)


def ranks(pairs: pl.DataFrame, strand_flips: bool) -> NDArray[np.uint8]:
    """Rank of the match type of each pair of `effect`, `other` with `ref`, `alt`.

    The order is that of pgsc_calc. A palindromic SNP fits on both strands, and as it stands ranks higher. Behind all
    come records without ALT (`alt` is null), which say of single bases alone what is not there: a longer allele is
    anchored on a base that is there whether it is or not.
    """
    effect, other, ref, alt = (pl.col(name) for name in ("effect", "other", "ref", "alt"))
    effect_flip, other_flip = complement("effect"), complement("other")
    single = complement("ref").is_not_null() & effect_flip.is_not_null() & (other.is_null() | other_flip.is_not_null())
    alone = alt.is_null() & single
    is_neither = other.is_null() & (effect != ref) & (effect_flip != ref)
    rules = [
        ((effect == ref) & (other == alt), MatchType.REFALT),
        ((effect == alt) & (other == ref), MatchType.ALTREF),
        ((effect_flip == ref) & (other_flip == alt) & strand_flips, MatchType.REFALT_FLIP),
        ((effect_flip == alt) & (other_flip == ref) & strand_flips, MatchType.ALTREF_FLIP),
        (other.is_null() & (effect == ref) & alt.is_not_null(), MatchType.REF_NO_OA),
        (other.is_null() & (effect == alt), MatchType.ALT_NO_OA),
        (alone & (effect == ref), MatchType.REF_ALONE),
        (alone & ((other == ref) | is_neither), MatchType.ALT_ABSENT),
        (alone & other.is_not_null() & (effect_flip == ref) & strand_flips, MatchType.REF_ALONE_FLIP),
        (alone & (other_flip == ref) & strand_flips, MatchType.ALT_ABSENT_FLIP),
    ]
    rank = pl.coalesce(*(pl.when(test).then(RANK[kind]) for test, kind in rules), pl.lit(0))
    return pairs.select(rank.cast(pl.UInt8).alias("rank"))["rank"].to_numpy()


def counts_ref(rank: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the effect allele of such a match is REF."""
    table = np.array([name.startswith("ref") for name in TYPES])
    return np.asarray(table[rank])


def is_flipped(rank: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether such a match is on the other strand."""
    table = np.array([name.endswith("_flip") for name in TYPES])
    return np.asarray(table[rank])


SWAPPED = np.array([RANK[name] for name in (
    "", MatchType.REF_ALONE, MatchType.ALT_ABSENT, MatchType.REF_ALONE_FLIP, MatchType.ALT_ABSENT_FLIP,
    MatchType.REF_NO_OA, MatchType.ALT_NO_OA, MatchType.REFALT, MatchType.ALTREF, MatchType.REFALT_FLIP,
    MatchType.ALTREF_FLIP,
)], dtype=np.uint8)  # fmt: skip
"""The rank of the same alleles read on the other strand, for palindromic SNPs."""
