"""The reject limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rejects import RejectWatch, spread_sample
from schemas.errors import RejectLimitError
from schemas.plan import PlanInfo


def plan(records: int) -> PlanInfo:
    return PlanInfo(key="k", sha256="0", records=records, shards=1, shard_records=records, bytes=0)


@given(st.integers(1, 10_000), st.integers(1, 100))
def test_a_sample_is_spread_distinct_ascending_and_inside_the_plan(records: int, size: int) -> None:
    sample = spread_sample(plan(records), size)
    assert len(sample) == min(records, size)
    assert list(sample) == sorted(set(sample))
    assert sample[0] == 0
    assert sample[-1] < records


def test_a_sample_over_the_limit_stops_before_anything_is_written() -> None:
    with pytest.raises(RejectLimitError, match="7 of 64 sampled records were rejected"):
        RejectWatch(0.1, 1000).check_sample({"ok": 57, "unreadable": 7})


def test_a_sample_under_the_limit_says_nothing() -> None:
    RejectWatch(0.1, 1000).check_sample({"ok": 60, "unreadable": 4})


def test_a_clump_of_bad_records_is_borne_while_the_limit_can_still_be_kept() -> None:
    watch = RejectWatch(0.1, 1000)
    watch.add({"unreadable": 100})
    with pytest.raises(RejectLimitError, match="101 of 101"):
        watch.add({"missing": 1})
