"""Prediction times from a table in the MEDS label schema: a Parquet file, or all in a folder."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectMissing, StorageSettings, open_store, split
from schemas.errors import SpecError
from schemas.wording import counted
from workers.ehr.events.meds import TIME, DamagedFile, check_subject_and_time, open_parquet
from workers.reading.parquet import while_planning

KEYS = (pa.field("subject_id", pa.int64()), pa.field("prediction_time", TIME))
_AT_ONCE = 16
_NAMED = 5
_DAMAGED = "a .parquet file of input.task.labels is no Parquet file, or damaged: write it again"


class LabelTable:
    """A label table of several files, in the order of their keys. Only footers are read before `read`."""

    def __init__(self, uri: str, storage: StorageSettings, carry: Sequence[str]) -> None:
        single = uri.endswith(".parquet")
        self._store = open_store(split(uri)[0] if single else uri, storage)
        self._keys = [split(uri)[1]] if single else self._listed()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            footers = list(pool.map(self._footer, self._keys))
        self.rows = sum(file.metadata.num_rows for file in footers)
        self.carry = tuple(_carried(name, footers) for name in carry)

    def _listed(self) -> list[str]:
        keys = [info.key for info in self._store.list() if info.key.endswith(".parquet")]
        if not keys:
            raise SpecError("input.task.labels has no .parquet files: it names a label table or a folder of them")
        return keys

    def _footer(self, key: str) -> pq.ParquetFile:
        file = self._open(key)
        for column in ("subject_id", "prediction_time"):
            if column not in file.schema_arrow.names:
                raise SpecError(
                    f"the label table has no column {column!r} in file {key}; it needs the MEDS label schema"
                )
        check_subject_and_time(file.schema_arrow, "prediction_time", f"label table, file {key}")
        return file

    def _open(self, key: str) -> pq.ParquetFile:
        try:
            return open_parquet(self._store, key)
        except ObjectMissing:
            raise SpecError("input.task.labels names a table that is not there: correct the uri") from None
        except DamagedFile:
            raise SpecError(_DAMAGED) from None

    def read(self) -> pa.Table:
        """`subject_id`, `prediction_time` and the carried columns. Raises SpecError naming rows where a key is null."""
        schema = pa.schema([*KEYS, *self.carry])
        parts = [schema.empty_table()]
        for key in self._keys:
            file = self._open(key)
            present = {name for name in schema.names if name in file.schema_arrow.names}
            with while_planning(_DAMAGED):
                found = file.read(sorted(present), use_threads=False)
            _refuse_null(found, key)
            columns = [
                found[f.name].cast(f.type) if f.name in present else pa.nulls(found.num_rows, f.type) for f in schema
            ]
            parts.append(pa.table(columns, schema=schema))
        return pa.concat_tables(parts)


def _carried(name: str, footers: Sequence[pq.ParquetFile]) -> pa.Field:
    """Tools write label columns that they do not use full of nulls: such a column is as good as absent."""
    having = [file for file in footers if name in file.schema_arrow.names]
    if not having:
        known = sorted({column for file in footers for column in file.schema_arrow.names})
        raise SpecError(f"input.carry names {name!r}, and the label table has {', '.join(known)}")
    kinds = {file.schema_arrow.field(name).type for file in having if not _is_all_null(file, name)}
    if not kinds:
        raise SpecError(f"input.carry names {name!r}, which is null in every row of the label table: leave it out")
    if len(kinds) > 1:
        raise SpecError(f"column {name!r} of the label table is of one type in some files and of another in others")
    return pa.field(name, kinds.pop())


def _is_all_null(file: pq.ParquetFile, name: str) -> bool:
    """As far as the footer tells."""
    place = file.schema_arrow.names.index(name)
    if pa.types.is_null(file.schema_arrow.field(place).type):
        return True
    if file.metadata.num_columns != len(file.schema_arrow.names):
        return False
    columns = (file.metadata.row_group(group).column(place) for group in range(file.num_row_groups))
    return all(
        column.statistics is not None
        and column.statistics.has_null_count
        and column.statistics.null_count == column.num_values
        for column in columns
    )


def _refuse_null(found: pa.Table, key: str) -> None:
    for name in ("subject_id", "prediction_time"):
        if found[name].null_count:
            rows = np.flatnonzero(found[name].is_null().to_numpy()) + 1
            raise SpecError(
                f"{name} is null in {counted(len(rows), 'row')} of the label table, file {key}: row "
                f"{', '.join(str(row) for row in rows[:_NAMED])}; every record needs both"
            )
