from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest

from schemas.errors import WardroundError
from workers.ehr.meds.hash_slots import RANK_BITS, SLOTS, ranks_of, slot_of_text, slot_range, slots_of, with_subject_ids


def numbered(keys: pl.DataFrame) -> dict[str, int]:
    """`subject_id` by id, as the stages find it."""
    ranked = ranks_of(keys)
    ranks = dict(ranked.filter(pl.col("rank") > 0).select("subject", "rank").iter_rows())
    return dict(with_subject_ids(keys, ranks).select("subject", "subject_id").iter_rows())


def test_a_number_depends_on_nothing_but_the_id() -> None:
    ids = [f"patient-{number}" for number in range(5000)]
    everybody = pl.DataFrame({"subject": ids}).with_columns(slot=slots_of(pl.Series(ids)))
    together = numbered(everybody)
    for piece in range(7):
        low, high = slot_range(piece, 7)
        part = everybody.filter(pl.col("slot") >= low, pl.col("slot") < high).reverse()
        assert numbered(part).items() <= together.items()
    assert len(set(together.values())) == len(ids)
    assert all(0 <= number < 2**63 for number in together.values())
    assert together["patient-0"] == slot_of_text("patient-0") << RANK_BITS


def test_ids_that_share_a_place_get_different_numbers_in_the_order_of_their_text() -> None:
    keys = pl.DataFrame({"subject": ["b", "c", "a", "d"], "slot": [5, 5, 5, 6]})
    assert numbered(keys) == {"a": 5 << 11, "b": (5 << 11) + 1, "c": (5 << 11) + 2, "d": 6 << 11}


def test_more_ids_of_one_place_than_there_are_numbers_are_refused() -> None:
    keys = pl.DataFrame({"subject": [f"{n:05d}" for n in range(2049)], "slot": [1] * 2049})
    with pytest.raises(WardroundError, match="share one slot"):
        ranks_of(keys)


def test_ranges_cover_every_place_once() -> None:
    bounds = [slot_range(piece, 7) for piece in range(7)]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == SLOTS
    assert all(before[1] == after[0] for before, after in pairwise(bounds))


def test_whole_numbers_are_spread_and_kept_apart() -> None:
    slots = slots_of(pl.Series(range(-5, 100_000), dtype=pl.Int64))
    assert slots.n_unique() == len(slots)
    assert slots.min() >= 0
    assert slots.max() < SLOTS
    counts = (slots // (SLOTS // 10)).value_counts()["count"]
    assert counts.min() > 9_000
    frame = pl.DataFrame({"subject": pl.Series([7, -3], dtype=pl.Int64), "slot": [0, 0]})
    assert with_subject_ids(frame, {})["subject_id"].to_list() == [7, -3]
