from __future__ import annotations

import io

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from workers.ehr.meds.sort_stage import EXTENSIONS, encode_data, subject_groups


@given(st.lists(st.integers(1, 9), min_size=1), st.integers(1, 20))
def test_row_groups_end_where_a_subject_ends(sizes: list[int], rows: int) -> None:
    ids = np.repeat(np.arange(len(sizes)), sizes)
    groups = list(subject_groups(ids, rows))
    assert [at for start, stop in groups for at in range(start, stop)] == list(range(len(ids)))
    assert all(stop == len(ids) or ids[stop - 1] != ids[stop] for _, stop in groups)
    assert all(stop - start >= rows for start, stop in groups[:-1])
    assert all(stop - start < rows + 9 for start, stop in groups)


def test_a_file_has_those_row_groups() -> None:
    events = pl.DataFrame(
        {
            "subject_id": [1, 1, 1, 2, 3, 3],
            "time": pl.Series([None] * 6, dtype=pl.Datetime("us")),
            "code": list("abcdef"),
            "numeric_value": pl.Series([None] * 6, dtype=pl.Float32),
            "text_value": pl.Series([None] * 6, dtype=pl.String),
        }
    ).with_columns(pl.lit(None, pl.String).alias(name) for name in EXTENSIONS)
    body = encode_data(events, "ours", row_group=2)
    assert body == encode_data(events, "ours", row_group=2)
    file = pq.ParquetFile(io.BytesIO(body))
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [3, 3]
    assert file.schema_arrow.metadata[b"wardround.fingerprint"] == b"ours"
