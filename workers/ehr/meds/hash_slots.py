"""Where a subject stands among all subjects, and the number that it has in a MEDS dataset.

The hash slot is 52 bits that depend on the subject's own id alone: of SHA-256 where the source has text, of a
bijective mix where it has integers. Subjects are gathered by ranges of hash slots, so how often the ranges are cut
changes nothing.

Text ids become integers: the hash slot, then 11 bits that number the ids which share it, in the order of their text.
So no two ids ever share a number, and a number depends on neither shards nor buckets, nor on which other subjects
there are, but for those that share a slot: one pair is expected among 95 million subjects.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import polars as pl

from schemas.errors import WardroundError

SLOT_BITS = 52
RANK_BITS = 11
SLOTS = 1 << SLOT_BITS


def slot_of_text(key: str) -> int:
    """The first 52 bits of the SHA-256 of a text."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> (64 - SLOT_BITS)


def slots_of(subjects: pl.Series) -> pl.Series:
    """The hash slot of each of these ids, text or int64; none is null."""
    if subjects.dtype == pl.String:
        known = {key: slot_of_text(key) for key in subjects.unique().to_list()}
        return subjects.replace_strict(known, return_dtype=pl.Int64) if known else pl.Series([], dtype=pl.Int64)
    return pl.Series(_mixed(subjects.to_numpy().astype(np.uint64)) >> np.uint64(64 - SLOT_BITS)).cast(pl.Int64)


def _mixed(values: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The finalizer of SplitMix64 (Steele, Lea, Flood 2014): each bit of the id changes half of the bits."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def slot_range(piece: int, pieces: int) -> tuple[int, int]:
    """First slot of a piece, and the first one after it, where all slots are cut into equal pieces."""
    return piece * SLOTS // pieces, (piece + 1) * SLOTS // pieces


def ranks_of(keys: pl.DataFrame) -> pl.DataFrame:
    """`keys` (columns `slot`, `subject`; each subject once) with `rank`: 0, but for ids that share a slot.

    Raises WardroundError where more share one than there are numbers for.
    """
    ranked = keys.sort("slot", "subject").with_columns(
        rank=pl.int_range(pl.len(), dtype=pl.Int64).over("slot", order_by="subject")
    )
    if ranked.height and ranked["rank"].max() >= 1 << RANK_BITS:  # type: ignore[operator]  # of integers it is one
        raise WardroundError(f"more than {1 << RANK_BITS} subject ids share one slot: this cannot be a coincidence")
    return ranked


def with_subject_ids(frame: pl.DataFrame, ranks: Mapping[str, int]) -> pl.DataFrame:
    """`frame` (columns `slot`, `subject`) with `subject_id`. `ranks` are those that are not 0, by id."""
    if frame.schema["subject"] != pl.String:
        return frame.with_columns(subject_id=pl.col("subject"))
    rank = pl.col("subject").replace_strict(ranks, default=0, return_dtype=pl.Int64) if ranks else pl.lit(0, pl.Int64)
    return frame.with_columns(subject_id=pl.col("slot") * (1 << RANK_BITS) + rank)
