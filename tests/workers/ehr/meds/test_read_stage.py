from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import ObjectChanged, ObjectMissing, Store, sha256_of
from schemas.errors import WardroundError
from tests.support.meds import convert_spec
from tests.support.worked_stages import WorkedStages
from workers.conversion.layout import READ
from workers.ehr.meds.chunks import Chunk
from workers.ehr.meds.hash_slots import slot_of_text
from workers.ehr.meds.parts import Part, SubjectType, events_frame, outcomes_frame
from workers.ehr.meds.read_stage import ReadStage
from workers.finished_runs.stage import stage_at
from workers.pipeline.frames import read_frame
from workers.pipeline.kinds import ShardTable

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


class ByHand:
    """Gives the parts of a test, and then fails as it says."""

    subject_type: SubjectType = pl.String

    def __init__(self, parts: list[Part], error: Exception | None = None) -> None:
        self._parts, self._error = parts, error

    def parts(self, chunk: Chunk, size: int) -> Iterator[Part]:
        yield from self._parts
        if self._error is not None:
            raise self._error


def part(subject: str, *codes: str, claimed: int | None = None) -> Part:
    """One record with an event for each of these codes."""
    count = len(codes)
    events = {"subject": [subject] * count, "time": [None] * count, "code": list(codes)}
    zeros = {name: [0] * count for name in ("file", "position", "event")}
    nulls = {name: [None] * count for name in ("numeric_value", "text_value")}
    outcome = {"subject": [subject], "status": ["ok"], "outcome": ["converted"], "reason": [None], "kind": ["x"]}
    return Part(
        events_frame(pl.String, {**events, **zeros, **nulls}),
        outcomes_frame(pl.String, {**outcome, "n_events": [count if claimed is None else claimed]}),
        dict.fromkeys(codes, None),
    )


def computed(tmp_path: Path, reader: ByHand) -> ShardTable:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ndjson").write_text("{}\n")
    text = convert_spec(f"format: fhir, uri: {tmp_path / 'in'}", str(tmp_path / "out"))
    stages = WorkedStages(text, "workers.ehr.convert_fhir")
    stages.work()
    stages.work()
    context = stages.open()
    return ReadStage(context, reader).compute(0, context.plan.shard(0))


def test_each_part_is_published_as_it_comes_and_vouched_for(tmp_path: Path) -> None:
    found = computed(tmp_path, ByHand([part("p", "B", "A"), part("q", "A")]))
    (row,) = found.table.to_pylist()
    assert (row["status"], row["part_records"], row["part_events"], row["subjects"]) == ("ok", [1, 1], [2, 1], 2)
    assert [code["code"] for code in row["codes"]] == ["A", "B"]
    assert [ref.key for ref in found.vouched] == [
        key for pair in zip(row["event_keys"], row["outcome_keys"], strict=True) for key in pair
    ]
    assert all((tmp_path / "out" / ref.key).stat().st_size == ref.bytes for ref in found.vouched)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ObjectMissing(), "missing", "the file is gone since it was planned"),
        (ObjectChanged(), "input_changed", "the file was changed since it was planned"),
    ],
)
def test_a_file_that_is_another_one_by_now_ends_in_one_record_that_says_so(
    tmp_path: Path, error: Exception, status: str, reason: str
) -> None:
    found = computed(tmp_path, ByHand([part("p", "A")], error))
    (row,) = found.table.to_pylist()
    assert (row["status"], row["part_records"], row["part_events"]) == (status, [1, 1], [1, 0])
    outcomes = pl.read_parquet(tmp_path / "out" / row["outcome_keys"][1])
    assert outcomes["reason"].to_list() == [reason]


def test_a_reader_that_counts_other_events_than_it_gives_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(WardroundError, match="not those that its records gave"):
        computed(tmp_path, ByHand([part("p", "A", claimed=2)]))
