from __future__ import annotations

from cluster.storage import Store
from workers.conversion.layout import READ
from workers.ehr.meds.earlier import EventParts, event_keys, ranks_at
from workers.ehr.meds.hash_slots import SLOTS, slot_of_text
from workers.finished_runs.stage import stage_at


def test_events_are_found_by_their_hash_slot_the_upper_end_left_out(converted: Store) -> None:
    parts = EventParts(converted, event_keys(stage_at(converted, READ)))
    first, second = sorted(slot_of_text(name) for name in ("p1", "p2"))
    everything = parts.between(0, SLOTS, ["slot", "code"])
    assert everything.height == 4
    assert set(parts.between(first, second, ["slot"])["slot"]) == {first}
    assert set(parts.between(second, SLOTS, ["slot"])["slot"]) == {second}
    assert set(parts.between(first, second + 1, ["slot"])["slot"]) == {first, second}
    assert parts.between(first + 1, second, ["slot"]).is_empty()
    parts.close()


def test_only_ids_that_share_a_slot_have_a_rank(converted: Store) -> None:
    assert ranks_at(converted) == {}
