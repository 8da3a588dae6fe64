"""Plans that all conversions share: chunks in order, and a record of the account for each record of the input."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.status import Status
from workers.conversion.chunks import guarded, key_of
from workers.conversion.plans import Conversion, by_file, file_records, read_plan, whole_plan

FIELDS = (pa.field("kind", pa.string()), pa.field("start", pa.int64(), nullable=False))


def test_a_chunk_is_a_record_named_by_its_file_and_where_it_begins() -> None:
    chunks = [
        {"key": "a@b.vcf", "etag": "1", "size": 5, "kind": "vcf", "start": 0},
        {"key": "a@b.vcf", "etag": "1", "size": 4, "kind": None, "start": 5},
    ]
    plan = read_plan("s3://in/put", FIELDS, lambda: chunks, (), {"rules": 1})
    rows = pa.Table.from_batches(plan.batches()).to_pylist()
    assert [row["record_id"] for row in rows] == ["a@b.vcf@0", "a@b.vcf@5"]
    assert {row["uri"] for row in rows} == {"s3://in/put/a@b.vcf"}
    assert [(row["member"], row["size"], row["etag"], row["kind"]) for row in rows] == [
        (0, 5, "1", "vcf"),
        (5, 4, "1", None),
    ]
    assert {key_of(row["record_id"]) for row in rows} == {"a@b.vcf"}
    assert (plan.stage, plan.kind, plan.shard_records, plan.carry) == ("read", "shards", 1, ("kind", "start"))


def test_an_input_without_chunks_has_an_empty_plan() -> None:
    assert list(read_plan("s3://in", FIELDS, list, (), {}).batches()) == []


def test_records_are_numbered_through_the_chunks_of_a_file() -> None:
    read = [
        {"record_id": "a@0", "file": 0, "outcome_rows": [2, 1], "outcome_keys": ["x", "y"]},
        {"record_id": "a@9", "file": 0, "outcome_rows": [1], "outcome_keys": ["z"]},
        {"record_id": "b@0", "file": 1, "outcome_rows": [1], "outcome_keys": ["w"]},
    ]
    batches = [found for chunks in by_file(read) for found in file_records(chunks, "outcome_rows")]
    rows = pa.Table.from_batches(batches).to_pylist()
    assert [row["record_id"] for row in rows] == ["a#0", "a#1", "a#2", "a#3", "b#0"]
    assert [(row["part"], row["row"]) for row in rows] == [("x", 0), ("x", 1), ("y", 0), ("z", 0), ("w", 0)]
    assert [row["member"] for row in rows] == [0, 1, 2, 3, 0]


def test_a_stage_over_everything_has_one_record() -> None:
    (only,) = pa.Table.from_batches(whole_plan("all", "table", "table/", (), {}).batches()).to_pylist()
    assert (only["record_id"], only["uri"]) == ("table", "table/")


def test_chunks_are_counted_by_kind_and_those_without_are_unknown() -> None:
    conversion = Conversion()
    assert conversion.look([pa.table({"kind": ["a", None, "a"]})]) == {"chunks": {"a": 2, "of any kind": 1}}
    assert conversion.look([pa.table({"kind": pa.nulls(2, pa.string())})]) == {"chunks": 2}


@pytest.mark.parametrize(
    ("error", "status"), [(ObjectMissing("k"), Status.MISSING), (ObjectChanged("k"), Status.INPUT_CHANGED)]
)
def test_an_input_that_is_not_what_was_planned_ends_its_chunk_with_that_status(
    error: Exception, status: Status
) -> None:
    def parts() -> object:
        yield "one"
        raise error

    found = list(guarded(parts(), lambda why, reason: f"{why}: {reason.split()[1]}"))
    assert found == [("one", Status.OK), (f"{status}: file", status)]
