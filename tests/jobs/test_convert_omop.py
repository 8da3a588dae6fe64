"""Small OMOP tables with all that can be wrong with them, converted end to end."""

from __future__ import annotations

import gzip
import shutil
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cluster.storage import Store
from schemas.errors import SpecError
from tests.support.meds import CASES, account, codes, convert_spec, events, run_convert
from workers.finished_runs.stage import stage_at

TABLES = CASES / "omop"
EXPECTED = CASES / "omop-expected"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The tables, converted in one piece."""
    return run_convert(convert_spec(f"format: omop, uri: {TABLES}", str(tmp_path_factory.mktemp("omop") / "out")))


def test_every_row_of_every_table_has_a_row_that_says_what_became_of_it(clean: Store) -> None:
    found = account(clean)
    expected = pl.read_csv(EXPECTED / "account.csv", infer_schema=False)
    assert found.select(expected.columns).cast(pl.String).equals(expected)
    assert found["n_events"].sum() == events(clean).height


def test_the_dataset_is_valid_meds_and_what_the_tables_say(clean: Store) -> None:
    found = events(clean).select("subject_id", "time", "code", "numeric_value", "text_value")
    found = found.sort("subject_id", maintain_order=True)
    expected = pl.read_csv(EXPECTED / "events.csv", infer_schema=False).sort(
        pl.col("subject_id").cast(pl.Int64), maintain_order=True
    )
    assert found.with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")).cast(pl.String).equals(expected)
    described = dict(codes(clean).select("code", "description").iter_rows())
    assert described["LAB//LOINC/4548-4//%"] == 'Hemoglobin A1c/Hemoglobin.total in "Blood"; percent'


@pytest.mark.parametrize("row_group", [2, 100])
def test_parquet_gives_the_same_dataset_however_it_is_cut(clean: Store, tmp_path: Path, row_group: int) -> None:
    """Typed columns instead of text; rows that are broken as CSV cannot be written so, and are left out."""
    _as_parquet(tmp_path / "in", row_group)
    source = f"format: omop, uri: {tmp_path / 'in'}, chunk_bytes: 1, bucket_bytes: 600"
    found = run_convert(convert_spec(source, str(tmp_path / "out"), "pool: serial, shard_records: 3"))
    order = ["subject_id", "time", "code", "numeric_value", "text_value"]
    assert_frame_equal(events(found).sort(order), events(clean).sort(order))
    assert codes(found).equals(codes(clean))


def _as_parquet(folder: Path, row_group: int) -> None:
    folder.mkdir()
    for path in TABLES.rglob("*.csv*"):
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        separator = b"\t" if path.name == "CONCEPT.csv" else b","
        frame = pl.read_csv(
            body.replace(b"\xe9", b"?") if path.name == "note.csv" else body,
            separator=separator.decode(),
            quote_char=None if separator == b"\t" else '"',
            truncate_ragged_lines=True,
            infer_schema=False,
        )
        whole = [name for name in frame.columns if name.endswith(("person_id", "concept_id")) or "_of_birth" in name]
        frame = frame.with_columns(pl.col(whole).cast(pl.Float64, strict=False).cast(pl.Int64))
        if path.name == "note.csv":
            frame = frame.head(2)
        if "part-0" in path.name:
            frame = frame.filter(pl.col("condition_occurrence_id") != "6")
        target = folder / path.relative_to(TABLES).with_name(path.name.partition(".")[0] + ".parquet")
        target.parent.mkdir(exist_ok=True)
        frame.write_parquet(target, row_group_size=row_group)


def test_typed_times_of_parquet_are_taken_as_they_are(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "PERSON_ID": [7, 7],
            "visit_concept_id": [0, None],
            "visit_start_date": [datetime(2020, 1, 1).date()] * 2,
            "visit_start_datetime": pl.Series([datetime(2020, 1, 1, 12), None]).dt.replace_time_zone("Europe/Paris"),
            "visit_end_date": pl.Series([None, None], dtype=pl.Date),
        }
    )
    (tmp_path / "in").mkdir()
    frame.write_parquet(tmp_path / "in/VISIT_OCCURRENCE.parquet")
    store = run_convert(convert_spec(f"format: omop, uri: {tmp_path / 'in'}", str(tmp_path / "out")))
    found = events(store)
    assert found["time"].to_list() == [datetime(2020, 1, 1), datetime(2020, 1, 1, 11)]
    assert set(found["code"]) == {"ENCOUNTER_START//UNK"}


def test_a_damaged_file_costs_its_own_rows_only(tmp_path: Path) -> None:
    shutil.copytree(TABLES, tmp_path / "in")
    (tmp_path / "in/death.csv.gz").write_bytes((TABLES / "death.csv.gz").read_bytes()[:-12])
    (tmp_path / "in/procedure_occurrence.parquet").write_bytes(b"PAR1 but no more")
    pl.DataFrame({"person_id": [1], "PERSON_ID": [2]}).write_parquet(tmp_path / "in/observation_period.parquet")
    (tmp_path / "in/drug_exposure.csv").write_text("person_id,Person_ID\n1,2\n")
    (tmp_path / "in/observation.csv").write_text('observation_id,person_id\n1,"never closed\n')
    found = account(run_convert(convert_spec(f"format: omop, uri: {tmp_path / 'in'}", str(tmp_path / "out"))))
    broken = found.filter(pl.col("kind").is_in(["person", "cost", "note"]).not_())
    broken = broken.filter(pl.col("status") == "unreadable", pl.col("kind") != "condition_occurrence")
    assert dict(broken.select("kind", "reason").iter_rows()) == {
        "death": "the gzipped file ends early",
        "drug_exposure": "the file has two columns of one name",
        "observation_period": "the file has two columns of one name",
        "observation": "not CSV from line 2 on: a quote there is not closed",
        "procedure_occurrence": "the Parquet file is damaged from here on",
    }
    assert found.filter(pl.col("kind") == "person").height == 5


def test_a_concept_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    shutil.copytree(TABLES, tmp_path / "in")
    (tmp_path / "in/CONCEPT.csv").write_text("concept_id,concept_name\n1,x\n")
    with pytest.raises(SpecError, match="the concept table cannot be read"):
        run_convert(convert_spec(f"format: omop, uri: {tmp_path / 'in'}", str(tmp_path / "out")))


def test_a_directory_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(TABLES / "CONCEPT.csv", tmp_path / "in")
    with pytest.raises(SpecError, match="has no table"):
        run_convert(convert_spec(f"format: omop, uri: {tmp_path / 'in'}", str(tmp_path / "out")))


def test_a_row_that_comes_again_in_another_file_is_counted_and_gives_no_second_event(tmp_path: Path) -> None:
    header = "measurement_id,person_id,measurement_source_value,measurement_date,value_as_number\n"
    files = {
        "measurement/part-0.csv": "1,1,K,2024-03-05,4.0\n2,1,K,2024-03-06,5.0\n3,1,K,2024-03-07,6.0\n",
        "measurement/part-1.csv": "1,1,K,2024-03-05,4.0\n2,1,K,2024-03-06,5.5\n3,2,K,2024-03-07,6.0\n",
    }
    (tmp_path / "in/measurement").mkdir(parents=True)
    for name, rows in files.items():
        (tmp_path / "in" / name).write_text(header + rows)
    store = run_convert(convert_spec(f"format: omop, uri: {tmp_path / 'in'}", str(tmp_path / "out")))
    found = events(store).sort("subject_id", "time").select("subject_id", "numeric_value").rows()
    assert found == [(1, 4.0), (1, 5.5), (1, 6.0), (2, 6.0)]
    (metadata,) = stage_at(store, "metadata").all_rows(["by_type"])["by_type"].to_pylist()
    assert {(row["outcome"], row["reason"]): row["records"] for row in metadata} == {
        ("converted", None): 2,
        ("ignored", "repeated: the same row again"): 1,
        ("ignored", "repeated: a later row with its key counts"): 1,
        ("partly", "its key is that of another person's row, too"): 2,
    }
