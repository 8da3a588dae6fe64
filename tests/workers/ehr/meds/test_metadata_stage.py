from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import Store
from workers.ehr.meds.layout import CODES, DATASET_JSON
from workers.ehr.meds.metadata_stage import codes_table


def test_the_dataset_has_each_code_once_with_the_first_description_of_the_source(converted: Store) -> None:
    table = pq.read_table(converted.open_reader(CODES))
    assert table.select(["code", "description"]).to_pylist() == [
        {"code": "CONDITION//SNOMED/1", "description": "One"},
        {"code": "CONDITION//SNOMED/2", "description": "Two"},
    ]


def test_the_dataset_says_what_it_is_and_by_what_it_was_made(converted: Store) -> None:
    said = json.loads(converted.get(DATASET_JSON))
    assert said["meds_version"] == "0.4.1"
    assert said["etl_name"] == "wardround convert fhir"
    assert said["created_at"] == json.loads(converted.get("stages/metadata/run.json"))["created"]


def test_no_codes_at_all_are_an_empty_table() -> None:
    kind = pa.list_(pa.struct([("code", pa.string()), ("description", pa.string())]))
    assert codes_table(pa.chunked_array([pa.array([[], None], kind)])).num_rows == 0
