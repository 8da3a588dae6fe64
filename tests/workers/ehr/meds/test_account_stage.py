from __future__ import annotations

import polars as pl

from cluster.storage import Store
from jobs.rundir import StageDirectory
from tests.support.meds import account
from tests.support.open_stages import context_of
from workers.ehr.meds.account_stage import MedsAccountStage
from workers.ehr.meds.hash_slots import RANK_BITS, slot_of_text
from workers.ehr.meds.layout import NO_PART
from workers.finished_runs.documents import existing_run


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


def stage_of(converted: Store, text_ids: bool) -> MedsAccountStage:
    return MedsAccountStage(context_of(StageDirectory(converted, "", existing_run(converted))), text_ids)


def test_a_broken_promise_is_an_unreadable_record_that_says_how_many_there_are(converted: Store) -> None:
    found = stage_of(converted, True).outcomes(NO_PART, [5, 6])
    assert found["status"].to_list() == ["unreadable"] * 2
    assert found["reason"].to_list() == [
        f"the file has {there} records, not as many as its source promised" for there in (5, 6)
    ]


def test_numbers_of_the_source_stay_what_they_are(converted: Store) -> None:
    found = pl.DataFrame({"subject": [7, None, 9], "n_events": [1, 1, 0]})
    assert stage_of(converted, False).more(found)["subject_id"].to_pylist() == ["7", None, None]
