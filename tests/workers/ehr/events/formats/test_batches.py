from __future__ import annotations

import numpy as np

from workers.ehr.events.formats.batches import Shard


def test_a_shard_of_no_parts_has_no_records() -> None:
    shard = Shard([])
    assert (len(shard), shard.events) == (0, 0)


def test_events_of_records_are_found_record_by_record() -> None:
    shard = Shard([])
    shard.lengths, shard.first = np.array([2, 0, 3]), np.array([0, 2, 2])
    assert shard.places(np.array([2, 1, 0])).tolist() == [2, 3, 4, 0, 1]
