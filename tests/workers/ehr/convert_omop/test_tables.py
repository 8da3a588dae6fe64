"""Rows of tables that are none, and storage that fails beneath them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import InfrastructureError
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.meds_data import break_column
from tests.support.seaweed import S3
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.tables import table_rows
from workers.ehr.meds.chunks import Chunk


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'1,2\n3,"4\n5,6\n7,8\n', [None, "not CSV over 3 lines, as by a quote that is not closed"]),
        (b'1,2\n\n3,"4"x\n5,6\n', [None, "not CSV", None]),
    ],
)
def test_a_quote_that_is_not_closed_says_how_many_lines_it_took(
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
