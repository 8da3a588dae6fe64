from __future__ import annotations

from cluster.storage import Store
from tests.support.meds import account
from workers.ehr.meds.hash_slots import RANK_BITS, slot_of_text


def test_each_record_of_the_input_has_one_row_in_its_order(converted: Store) -> None:
    rows = account(converted)
    assert [name.rpartition("/")[2] for name in rows["record_id"]] == [
        *(f"a.ndjson#{n}" for n in range(4)),
        *(f"b.ndjson#{n}" for n in range(3)),
    ]
    assert rows["status"].to_list() == [*["ok"] * 6, "unreadable"]
    assert rows["n_events"].to_list() == [1, 1, 0, 0, 1, 1, 0]


def test_only_what_is_not_ok_has_a_detail_and_an_ignored_record_a_reason(converted: Store) -> None:
    rows = account(converted)
    assert rows["detail"].to_list() == [None] * 6 + ["not JSON"]
    assert rows["reason"].to_list() == [None, None, "an empty line", "no time", None, None, "not JSON"]


def test_a_subject_is_the_number_that_its_events_have_and_null_where_there_are_none(converted: Store) -> None:
    first, second = (str(slot_of_text(name) << RANK_BITS) for name in ("p1", "p2"))
    assert account(converted)["subject_id"].to_list() == [first, first, None, None, second, first, None]
