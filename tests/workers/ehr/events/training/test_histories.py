"""What a training is shown is what the reader of `predict` gives, and nothing after the prediction time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from cluster.storage import StorageSettings, open_store
from tests.support.event_plans import planned
from tests.support.meds_data import write_dataset
from tests.support.planted_hospital import LEAK, Hospital, planted_hospital
from tests.support.record_job import TableJob, scored
from workers.ehr.events.contract import Histories
from workers.ehr.events.fetching import SubjectFetcher
from workers.ehr.events.reader import HEADER_TYPES, EventReader
from workers.ehr.events.scoring import whole_parts
from workers.ehr.events.training.histories import SHOWN, HeldHistories
from workers.ehr.events.training.keeper import HistoryKeeper, HistoryRows
from workers.ehr.events.training.settings import VocabularySettings
from workers.ehr.events.training.vocabulary import fit_vocabulary
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.holding import HeldScoring
from workers.training.held import HeldExamples

AT = datetime(2024, 1, 1, 12)


def kept(root: Path, rows: pl.DataFrame, at: datetime, days: float | None = None) -> HeldHistories:
    """Through the reader, the keeper, and the columns that are committed."""
    subjects = rows["subject_id"].unique().sort().to_list()
    records = planned(root, rows, [(subject, at) for subject in subjects])
    budget = ByteBudget(1 << 20)
    fetcher = SubjectFetcher(open_store(str(root), StorageSettings()), False, True)
    reader = EventReader(fetcher, [HistoryKeeper(days)], budget)
    job = TableJob(reader, HeldScoring({"shown": HistoryRows()}, "cpu", whole_parts), [records], list(HEADER_TYPES))
    columns = scored(job, budget)[0]["shown"]
    table = pa.table(
        [pa.array(columns[field.name], field.arrow_type) for field in SHOWN], names=[field.name for field in SHOWN]
    )
    there = table.append_column("subject_id", records["subject_id"])
    return HeldHistories.of_rows(there.filter(there["predicted_at"].is_valid()))


def rows_of(histories: Histories) -> list[tuple[object, ...]]:
    codes = [histories.code_names[code] for code in histories.code]
    values = np.nan_to_num(histories.value, nan=-1)
    owner = np.repeat(np.arange(len(histories)), np.diff(histories.offsets))
    return list(zip(owner.tolist(), codes, histories.time.tolist(), values.tolist(), strict=True))


def dataset(tmp_path: Path, hospital: Hospital, leak: bool) -> tuple[Path, pl.DataFrame]:
    rows = hospital.events(leak)
    return write_dataset(tmp_path / f"meds-{leak}", [rows], row_group=200), rows


def test_a_history_that_was_kept_is_the_one_that_the_reader_gave(tmp_path: Path) -> None:
    hospital = planted_hospital(80, seed=3)
    held = kept(*dataset(tmp_path, hospital, leak=False), AT)
    assert rows_of(held.histories) == rows_of(hospital.histories)
    assert held.subject.tolist() == list(range(80))
    assert held.histories.prediction_time.tolist() == hospital.histories.prediction_time.tolist()
    some = np.array([7, 3, 60])
    assert rows_of(held.take(some)) == [
        (place, *row[1:]) for place, one in enumerate(some) for row in rows_of(hospital.histories) if row[0] == one
    ]


def test_a_leak_after_the_prediction_time_is_not_found(tmp_path: Path) -> None:
    hospital = planted_hospital(80, seed=3)
    leaking = dataset(tmp_path, hospital, leak=True)
    held, plain = kept(*leaking, AT), kept(*dataset(tmp_path, hospital, leak=False), AT)
    assert rows_of(held.histories) == rows_of(plain.histories)
    every = VocabularySettings(min_subjects=1)
    assert LEAK not in fit_vocabulary(HeldExamples(held, 80)[:], every).table["code"].to_pylist()
    # It is there, and would be found if it was asked for two hours later.
    late = kept(*leaking, AT + timedelta(hours=2))
    assert LEAK in fit_vocabulary(HeldExamples(late, 80)[:], every).table["code"].to_pylist()


def test_who_has_no_event_in_the_window_is_not_shown(tmp_path: Path) -> None:
    hospital = planted_hospital(80, seed=3)
    recent = hospital.events().filter(pl.col("time") >= AT - timedelta(days=20))["subject_id"].n_unique()
    held = kept(*dataset(tmp_path, hospital, leak=False), AT, days=20)
    assert 0 < recent < 80
    assert len(held) == recent
