"""Tables of millions of records: uris of images that nobody ever reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = "s3://archive/cxr/"
_GROUP_ROWS = 100_000
_RECORDS_A_SUBJECT = 3


def table_of(folder: Path, records: int) -> Path:
    """A Parquet table (`uri`, `record_id`, `subject_id`) of `records` rows, made once and kept in `folder`."""
    path = folder / f"records-{records}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        _write(unfinished, records)
        unfinished.rename(path)
    return path


def _write(path: Path, records: int) -> None:
    schema = pa.schema([(name, pa.string()) for name in ("uri", "record_id", "subject_id")])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, records, _GROUP_ROWS):
            rows = np.arange(start, min(start + _GROUP_ROWS, records))
            number = pc.utf8_lpad(pa.array(rows).cast(pa.string()), 9, "0")
            folder = pc.utf8_lpad(pa.array(rows // 1_000).cast(pa.string()), 6, "0")
            subject = pc.utf8_lpad(pa.array(rows // _RECORDS_A_SUBJECT).cast(pa.string()), 9, "0")
            uri = pc.binary_join_element_wise(ROOT + "p", folder, "/x", number, ".dcm", "")
            columns = [uri, pc.binary_join_element_wise("x", number, ""), pc.binary_join_element_wise("p", subject, "")]
            writer.write_table(pa.table(columns, schema=schema))
