"""A conversion to MEDS as a job sees it: stages, ranges of subjects, a record of the account for each of the input."""

from typing import Any

import pyarrow as pa
import pytest

from cluster.storage import Store
from schemas.errors import SpecError, VerificationError
from workers.contract import ModelCard
from workers.conversion.layout import READ
from workers.ehr.meds import collection
from workers.ehr.meds.chunks import InputFile
from workers.ehr.meds.collection import MedsConversion, account_batches
from workers.ehr.meds.hash_slots import SLOTS
from workers.ehr.meds.layout import METADATA
from workers.ehr.meds.promises import broken_promises
from workers.ehr.meds.settings import MedsInput
from workers.finished_runs.stage import FinishedStage, stage_at


def conversion(text_ids: bool, **settings: Any) -> MedsConversion:
    files = [
        InputFile("a.csv", "e", "t", (0, 10, 15), (10, 5), promised=3),
        InputFile("b.csv", "f", None, (0, 0), (0,)),
    ]
    return MedsConversion(MedsInput(uri="/in", **settings), "/in", lambda: files, {"rule": 1}, text_ids)


def test_ids_that_are_numbers_need_no_stage_that_numbers_them() -> None:
    assert conversion(True).stages == ("read", "subjects", "sort", "metadata", "account")
    assert conversion(False).stages == ("read", "sort", "metadata", "account")


def test_there_are_neither_models_nor_prepare_steps() -> None:
    with pytest.raises(SpecError, match="has no models"):
        conversion(True).prepare(ModelCard("x", ()), None)


def test_the_first_stage_reads_chunk_by_chunk_and_depends_on_the_rules() -> None:
    plan = conversion(True).plan(READ, [], {})
    rows = pa.Table.from_batches(plan.batches(), plan.schema).to_pylist()
    assert [(row["record_id"], row["start"], row["stop"], row["promised"]) for row in rows] == [
        ("a.csv@0", 0, 10, 3),
        ("a.csv@10", 10, 15, 3),
        ("b.csv@0", 0, 0, None),
    ]
    assert (plan.state, plan.kind, plan.shard_records) == ({"rules": {"rule": 1}}, "shards", 1)


def ranges(converted: Store, stage: str, conversion: MedsConversion) -> list[tuple[int, int]]:
    plan = conversion.plan(stage, [stage_at(converted, READ)], {})
    rows = pa.Table.from_batches(plan.batches(), plan.schema).to_pylist()
    assert plan.state == {"after": stage_at(converted, READ).run.fingerprint}
    return [(row["low"], row["high"]) for row in rows]


def test_a_small_input_is_one_range_of_all_subjects(converted: Store) -> None:
    assert ranges(converted, "subjects", conversion(True)) == [(0, SLOTS)]
    assert ranges(converted, "sort", conversion(True)) == [(0, SLOTS)]


def test_ranges_are_as_many_as_what_they_count_needs_and_leave_no_gap(
    converted: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One subject in file a, two in file b: three, of at most two a range.
    monkeypatch.setattr(collection, "SUBJECTS_AT_ONCE", 2)
    assert ranges(converted, "subjects", conversion(True)) == [(0, SLOTS // 2), (SLOTS // 2, SLOTS)]
    total = sum(stage_at(converted, READ).all_rows(["event_bytes"])["event_bytes"].to_pylist())
    cut = ranges(converted, "sort", conversion(True, bucket_bytes=total // 5 + 1))
    assert len(cut) == 5
    assert [low for low, _ in cut] == [0, *(high for _, high in cut[:-1])]
    assert cut[-1][1] == SLOTS


def test_every_record_of_the_input_has_its_place_in_the_account(converted: Store) -> None:
    read, metadata = stage_at(converted, READ), stage_at(converted, METADATA)
    rows = pa.Table.from_batches(account_batches(read, metadata)).to_pylist()
    assert [row["record_id"].rpartition("/")[2] for row in rows] == [
        *(f"a.ndjson#{n}" for n in range(4)),
        *(f"b.ndjson#{n}" for n in range(3)),
    ]
    assert [row["row"] for row in rows] == [0, 1, 2, 3, 0, 1, 2]
    assert len({row["part"] for row in rows}) == 2


def test_a_dataset_that_lost_events_is_no_dataset(converted: Store) -> None:
    read = stage_at(converted, READ)

    class Lost(FinishedStage):
        def all_rows(self, columns: Any = None) -> pa.Table:
            return pa.table({"n_events": [3]})

    with pytest.raises(VerificationError, match="does not hold the events that were read"):
        list(account_batches(read, Lost(read.store, read.directory, read.run)))


def test_a_file_of_other_than_the_promised_records_has_one_row_more() -> None:
    chunk = {"record_id": "a.csv@0", "file": 0, "part_records": [3, 2], "blank": 1}
    # Five lines, one of them empty.
    assert list(broken_promises([{**chunk, "promised": 5}])) == [("a.csv", 4)]
    assert list(broken_promises([{**chunk, "promised": 4}])) == []
    assert list(broken_promises([{**chunk, "promised": None}])) == []
