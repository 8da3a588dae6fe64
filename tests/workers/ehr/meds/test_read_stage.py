from __future__ import annotations

import polars as pl

from cluster.storage import Store, sha256_of
from workers.conversion.layout import READ
from workers.ehr.meds.hash_slots import slot_of_text
from workers.finished_runs.stage import stage_at
from workers.pipeline.frames import read_frame

ONE, TWO = "CONDITION//SNOMED/1", "CONDITION//SNOMED/2"


def test_the_row_of_a_chunk_counts_its_records_events_empty_lines_and_subjects(converted: Store) -> None:
    rows = stage_at(converted, READ).all_rows().to_pylist()
    assert [row["part_records"] for row in rows] == [[4], [3]]
    assert [row["part_events"] for row in rows] == [[2], [2]]
    assert [row["blank"] for row in rows] == [1, 0]
    assert [row["subjects"] for row in rows] == [1, 2]


def test_codes_are_sorted_with_the_first_description_that_the_chunk_gives(converted: Store) -> None:
    rows = stage_at(converted, READ).all_rows(["codes"])["codes"].to_pylist()
    assert rows == [
        [{"code": ONE, "description": None}, {"code": TWO, "description": "Two"}],
        [{"code": ONE, "description": "One"}],
    ]


def test_parts_lie_under_the_digest_of_what_they_hold_and_events_by_hash_slot(converted: Store) -> None:
    for row in stage_at(converted, READ).all_rows(["event_keys", "outcome_keys"]).to_pylist():
        for key in (*row["event_keys"], *row["outcome_keys"]):
            assert sha256_of(converted.get(key))[:16] in key
        for key in row["event_keys"]:
            events = read_frame(converted, key)
            assert events["slot"].to_list() == sorted(slot_of_text(name) for name in events["subject"])


def test_outcomes_are_in_the_order_of_the_source(converted: Store) -> None:
    keys = stage_at(converted, READ).all_rows(["outcome_keys"])["outcome_keys"].to_pylist()
    outcomes = pl.concat([read_frame(converted, key) for part in keys for key in part])
    assert outcomes["outcome"].to_list() == [
        *("converted", "converted", "ignored", "ignored"),
        *("converted", "converted", "unreadable"),
    ]
