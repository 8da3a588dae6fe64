from __future__ import annotations

import polars as pl

from cluster.storage import Store
from workers.ehr.meds.hash_slots import RANK_BITS, slot_of_text
from workers.ehr.meds.layout import SUBJECTS
from workers.finished_runs.stage import stage_at
from workers.pipeline.frames import read_frame


def test_each_text_id_leads_back_from_its_number_once(converted: Store) -> None:
    tables = [read_frame(converted, info.key) for info in converted.list("subjects/")]
    found = pl.concat(tables).select("subject_id", "source_id").rows()
    assert sorted(found) == sorted((slot_of_text(name) << RANK_BITS, name) for name in ("p1", "p2"))


def test_a_range_without_shared_slots_says_so(converted: Store) -> None:
    rows = stage_at(converted, SUBJECTS).all_rows(["n_subjects", "shared"]).to_pylist()
    assert sum(row["n_subjects"] for row in rows) == 2
    assert all(row["shared"] == [] for row in rows)
