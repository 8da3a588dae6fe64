"""Rows of tables that are none, and storage that fails beneath them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import InfrastructureError
from schemas.status import Status
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.meds_data import break_column
from tests.support.seaweed import S3
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.tables import table_rows
from workers.ehr.meds.chunks import Chunk


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'1,2\n3,"4\n5,6\n7,8\n', [None, "not CSV from line 3 on: a quote there is not closed"]),
        (b'1,2\n\n3,"4"x\n5,6\n', [None, "not CSV", None]),
    ],
)
def test_a_quote_that_is_not_closed_says_on_which_line_it_stands(
    tmp_path: Path, body: bytes, said: list[str | None]
) -> None:
    (tmp_path / "death.csv").write_bytes(b"person_id,death_date\n" + body)
    store = open_store(str(tmp_path), StorageSettings())
    head = store.head("death.csv")
    assert head is not None
    chunk = Chunk("death.csv", head.etag, "death", 0, 0, head.size)

    found = table_rows(store, chunk, head.size, ["person_id"], OmopInput(format="omop", uri=str(tmp_path)))

    assert [reason for rows in found for reason in rows.broken] == said


def a_table(path: Path) -> Path:
    # More than the first read takes along, since it cannot be compressed.
    table = pa.table({"person_id": np.random.default_rng(0).integers(0, 1 << 62, 600_000)})
    pq.write_table(table, path, row_group_size=200_000, use_dictionary=False)
    return path


def test_a_damaged_page_of_parquet_is_one_row_from_there_on(tmp_path: Path) -> None:
    break_column(a_table(tmp_path / "death.parquet"), 1, "person_id")
    store = open_store(str(tmp_path), StorageSettings())
    head = store.head("death.parquet")
    assert head is not None
    chunk = Chunk("death.parquet", head.etag, "death", 0, 0, 3)

    found = list(table_rows(store, chunk, head.size, ["person_id"], OmopInput(format="omop", uri=str(tmp_path))))

    assert found[-1].broken.to_list() == ["the Parquet file is damaged from here on"]
    assert found[-1].first == sum(rows.frame.height for rows in found[:-1])
    assert all(rows.broken.null_count() == len(rows.broken) for rows in found[:-1])


def test_storage_that_fails_within_a_table_of_parquet_is_no_damage(tmp_path: Path, s3: S3, bucket_prefix: str) -> None:
    store = open_store(bucket_prefix, s3.settings)
    store.put("death.parquet", a_table(tmp_path / "death.parquet"), {})
    head = store.head("death.parquet")
    assert head is not None
    chunk = Chunk("death.parquet", head.etag, "death", 0, 0, 3)
    source = OmopInput(format="omop", uri=bucket_prefix)
    with FaultProxy(s3.endpoint_url) as proxy:
        through = open_store(bucket_prefix, s3.through(proxy.endpoint_url))
        found = table_rows(through, chunk, head.size, ["person_id"], source)
        # The first reads the footer.
        proxy.use(Fault("forbidden", method="GET", nth=2, times=1000))
        with pytest.raises(InfrastructureError):
            list(found)


def rows_of(path: Path, wanted: list[str], **settings: int) -> list[tuple[list[dict[str, str]], list[str | None], str]]:
    store = open_store(str(path.parent), StorageSettings())
    head = store.head(path.name)
    assert head is not None
    chunk = Chunk(path.name, head.etag, "death", 0, 0, head.size)
    source = OmopInput.model_validate({"format": "omop", "uri": str(path.parent), **settings})
    found = table_rows(store, chunk, head.size, wanted, source)
    return [(rows.frame.to_dicts(), rows.broken.to_list(), rows.status) for rows in found]


def test_an_empty_field_is_null_without_quotes_and_empty_text_with_them(tmp_path: Path) -> None:
    path = tmp_path / "death.csv"
    path.write_bytes(b'\xef\xbb\xbfPERSON_ID,note\r\n1,\r\n2,""\r\n3,"a\nb"\r\n')
    ((found, _, _),) = rows_of(path, ["person_id", "note"])
    assert found == [
        {"person_id": "1", "note": None},
        {"person_id": "2", "note": ""},
        {"person_id": "3", "note": "a\nb"},
    ]


def test_quotes_mean_nothing_where_tabs_separate_fields(tmp_path: Path) -> None:
    path = tmp_path / "concept.csv"
    path.write_bytes(b'concept_id\tconcept_name\n1\t"open, and not closed\n2\t\n')
    ((found, _, _),) = rows_of(path, ["concept_id", "concept_name"])
    assert found == [
        {"concept_id": "1", "concept_name": '"open, and not closed'},
        {"concept_id": "2", "concept_name": None},
    ]


def test_a_line_that_is_too_long_ends_the_reading_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "death.csv"
    path.write_bytes(b"person_id\n1\n" + b"9" * 5000 + b"\n2\n")
    first, rest = rows_of(path, ["person_id"], max_line=1000)
    assert first[0] == [{"person_id": "1"}]
    assert rest[1:] == (["a line is longer than 1000 bytes"], Status.TOO_LARGE)


@pytest.mark.parametrize("kept", [-12, 60, 5])
def test_a_gzipped_table_that_ends_early_keeps_its_whole_rows(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "death.csv.gz"
    body = b"person_id\n" + b"".join(b"%d\n" % (number * 7919 % 10007) for number in range(50))
    path.write_bytes(gzip.compress(body)[:kept])
    *whole, rest = rows_of(path, ["person_id"])
    assert rest[1:] == (["the gzipped file ends early"], Status.UNREADABLE)
    ids = [row["person_id"] for rows, _, _ in whole for row in rows]
    assert ids == [str(number * 7919 % 10007) for number in range(len(ids))]
