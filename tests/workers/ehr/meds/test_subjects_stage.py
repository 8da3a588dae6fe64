from __future__ import annotations

import io

import polars as pl
import pyarrow as pa

from cluster.storage import Store
from jobs.rundir import StageDirectory
from tests.support.open_stages import context_of
from workers.ehr.meds.hash_slots import RANK_BITS, slot_of_text
from workers.ehr.meds.layout import SUBJECTS
from workers.ehr.meds.subjects_stage import SubjectsStage
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


def test_a_range_numbers_its_own_subjects_and_writes_an_empty_table_where_it_has_none(converted: Store) -> None:
    finished = stage_at(converted, SUBJECTS)
    context = context_of(StageDirectory(converted, finished.directory, finished.run))
    slot = slot_of_text("p1")
    stage = SubjectsStage(context)
    for low, high, expected in ((slot, slot + 1, [(slot << RANK_BITS, "p1")]), (slot + 1, slot + 2, [])):
        planned = context.plan.shard(0)
        for name, bound in (("low", low), ("high", high)):
            planned = planned.set_column(
                planned.column_names.index(name), planned.schema.field(name), pa.chunked_array([[bound]])
            )
        found = stage.compute(7, planned)
        assert found.table["n_subjects"].to_pylist() == [len(expected)]
        assert found.side[0].key == "subjects/000007.parquet"
        assert pl.read_parquet(io.BytesIO(found.side[0].body)).rows() == expected
    stage.close()
