"""Histories as models get them, against a filter of the source."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.outputs import OutputField
from tests.support.event_plans import planned
from tests.support.meds_data import FIRST_DAY, events, write_dataset
from tests.support.meds_runs import known
from tests.support.record_job import TableJob, scored
from workers.ehr.events import reader as reading
from workers.ehr.events.contract import STATIC, Histories
from workers.ehr.events.fetching import SubjectFetcher
from workers.ehr.events.reader import HEADER_TYPES, EventReader
from workers.ehr.events.scoring import whole_parts
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.holding import HeldScoring
from workers.pipeline.reading import Prepared

EPOCH = datetime(1970, 1, 1)


@dataclass
class Kept:
    histories: Histories
    refused: Mapping[int, Any] = field(default_factory=dict)
    nbytes: int = 1000

    def __len__(self) -> int:
        return len(self.histories)


class Keeper:
    """An encoder that keeps what it is given."""

    def encode(self, histories: Histories) -> Kept:
        return Kept(histories)


def ask(subjects: list[int], times: int) -> list[tuple[int, datetime]]:
    """Prediction times of each subject, ascending; some at midnight, some before birth."""
    choice = random.Random(5)
    days = [sorted(choice.sample(range(-30_000, 2_000), 1) + choice.sample(range(1_600), times - 1)) for _ in subjects]
    moments = [FIRST_DAY + timedelta(days=day, hours=choice.choice([0, 12])) for whens in days for day in whens]
    return list(zip([subject for subject in subjects for _ in range(times)], moments, strict=True))


def read(root: Path, records: pa.Table, exact: bool = False) -> tuple[list[Prepared], ByteBudget]:
    budget = ByteBudget(1 << 20)
    reader = EventReader(SubjectFetcher(open_store(str(root), StorageSettings()), False, exact), [Keeper()], budget)
    prepared = []
    for part in reader.read(records):
        prepared += part
        budget.add(-sum(record.nbytes for record in part))
    reader.close()
    return prepared, budget


def histories_of(prepared: list[Prepared]) -> list[pl.DataFrame]:
    """The histories of good records, in order."""
    found = []
    for record in prepared:
        for kept in record.inputs:
            held = kept.histories
            for place in range(len(held)):
                part = slice(held.offsets[place], held.offsets[place + 1])
                times = [None if t == STATIC else EPOCH + timedelta(microseconds=int(t)) for t in held.time[part]]
                found.append(
                    pl.DataFrame(
                        {
                            "time": pl.Series(times, dtype=pl.Datetime("us")),
                            "code": [held.code_names[code] for code in held.code[part]],
                            "numeric_value": pl.Series(held.value[part], dtype=pl.Float32).fill_nan(None),
                        }
                    )
                )
    return found


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("row_group", [7, 100_000])
def test_a_history_is_the_rows_that_a_filter_of_the_source_leaves_in_their_order(
    tmp_path: Path, row_group: int, exact: bool
) -> None:
    subjects = list(range(10, 35))
    rows = events(subjects, seed=1)
    root = write_dataset(tmp_path / "meds", [rows], row_group)
    asked = ask(subjects, 3)
    prepared, _ = read(root, planned(root, rows, asked), exact)
    wanted = [known(rows, subject, when, exact) for subject, when in asked]
    good = [history for history in wanted if history["time"].max() is not None]
    assert 0 < len(good) < len(asked)
    found = histories_of(prepared)
    assert len(found) == len(good)
    for history, want in zip(found, good, strict=True):
        assert history.equals(want.select("time", "code", "numeric_value"))
    assert [record.row for record in prepared] == list(range(len(asked)))
    told = [(record.columns["n_events"], record.columns["last_event_time"]) for record in prepared]
    micros = [history["time"].max() and history["time"].dt.epoch("us").max() for history in wanted]
    assert told == [(h.height, last) if last is not None else (0, None) for h, last in zip(wanted, micros, strict=True)]


def test_what_is_read_does_not_depend_on_how_much_is_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = list(range(30))
    rows = events(subjects, seed=2)
    root = write_dataset(tmp_path / "meds", [rows], 20)
    records = planned(root, rows, ask(subjects, 4))
    whole = histories_of(read(root, records)[0])
    monkeypatch.setattr(reading, "CHUNK_ROWS", 1)
    monkeypatch.setattr(reading._parts, "__defaults__", (1,))
    parts = histories_of(read(root, records)[0])
    assert len(whole) == len(parts)
    assert all(one.equals(other) for one, other in zip(whole, parts, strict=True))


def test_static_rows_alone_are_no_history(tmp_path: Path) -> None:
    rows = events([1], seed=3).filter(pl.col("time").is_null())
    root = write_dataset(tmp_path / "meds", [rows])
    (record,), _ = read(root, planned(root, rows, [(1, FIRST_DAY)]))
    assert (record.status, record.columns["n_events"]) == ("no_events", 0)


def test_the_budget_is_given_back_to_the_last_byte_also_where_a_shard_is_abandoned(tmp_path: Path) -> None:
    subjects = list(range(40))
    rows = events(subjects, seed=4)
    root = write_dataset(tmp_path / "meds", [rows], 30)
    records = planned(root, rows, ask(subjects, 2))
    _, budget = read(root, records)
    assert budget.held == 0
    assert budget.peak > 0

    budget = ByteBudget(1 << 20)
    reader = EventReader(SubjectFetcher(open_store(str(root), StorageSettings()), False, False), [Keeper()], budget)
    parts = reader.read(records)
    budget.add(-sum(record.nbytes for record in next(parts)))
    parts.close()
    reader._ahead.shutdown(wait=True)
    assert budget.held == 0


def test_a_code_column_without_a_dictionary_in_the_file_reads_the_same(tmp_path: Path) -> None:
    subjects = list(range(20))
    rows = events(subjects, seed=6)
    root = write_dataset(tmp_path / "meds", [rows])
    records = planned(root, rows, ask(subjects, 2))
    before = histories_of(read(root, records)[0])
    path = root / "data" / "0.parquet"
    rows.with_columns(pl.col("code").cast(pl.Categorical)).write_parquet(path, row_group_size=13)
    changed = records.set_column(
        records.column_names.index("etag"),
        "etag",
        [[next(iter(open_store(str(root), StorageSettings()).list("data/"))).etag] * records.num_rows],
    )
    after = histories_of(read(root, changed)[0])
    assert all(one.equals(other) for one, other in zip(before, after, strict=True))


class Counts:
    """How many events each history has."""

    outputs = (OutputField(name="events", type="int64", meaning="how many"),)

    def score(self, values: Sequence[Kept]) -> Mapping[str, Sequence[int]]:
        return {"events": [int(n) for kept in values for n in np.diff(kept.histories.offsets)]}


def test_shards_much_larger_than_the_budget_are_scored_and_their_histories_count_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK_ROWS", 50)
    monkeypatch.setattr(reading._parts, "__defaults__", (50,))
    subjects = list(range(40))
    rows = events(subjects, seed=4)
    root = write_dataset(tmp_path / "meds", [rows], 30)
    records = planned(root, rows, ask(subjects, 2))
    wanted = [history["time"].len() for history in histories_of(read(root, records)[0])]
    parts = sum(bool(record.inputs) for record in read(root, records)[0])
    assert parts > 10
    budget = ByteBudget(10)
    reader = EventReader(SubjectFetcher(open_store(str(root), StorageSettings()), False, False), [Keeper()], budget)
    scoring = HeldScoring({"m": Counts()}, "cpu", whole_parts)
    found = scored(TableJob(reader, scoring, [records, records], list(HEADER_TYPES)), budget)
    assert [[n for n in found[shard]["m"]["events"] if n is not None] for shard in (0, 1)] == [wanted] * 2
    assert budget.peak >= 1000 * parts
    assert budget.held == 0
