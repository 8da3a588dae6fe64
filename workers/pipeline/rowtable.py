"""From a shard's records and columns to the one Parquet body that is committed."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import WardroundError
from schemas.rows import STATUS_TYPE, OutputColumn, row_schema
from schemas.status import Status
from workers.calibration.columns import CalibratedClasses, CalibratedColumn
from workers.pipeline import seal
from workers.pipeline.columns import ModelColumns


@dataclass
class ShardRows:
    """All that is known of a shard's records, filled while they pass through the pipeline."""

    records: pa.Table
    models: Mapping[str, ModelColumns]
    statuses: list[Status | None]
    details: list[str | None]
    header: dict[str, list[Any]] = field(default_factory=dict)
    taken: int = 0
    """Records that were scored or rejected so far."""

    def reject(self, row: int, status: Status, detail: str) -> None:
        """The record itself cannot be scored, by any model."""
        self.statuses[row] = status
        self.details[row] = detail
        for columns in self.models.values():
            columns.reject(row, status, detail)


@dataclass(frozen=True)
class RowLayout:
    """Which columns a stage writes, in order."""

    plan_carry: tuple[pa.Field, ...]
    header_carry: tuple[pa.Field, ...]
    columns: tuple[OutputColumn, ...]
    subject_from: str | None = None
    """Header column that gives `subject_id`, if any."""
    calibrated: tuple[CalibratedColumn | CalibratedClasses, ...] = ()
    """Columns that are made of others as the rows are put together."""

    @property
    def given(self) -> tuple[OutputColumn, ...]:
        """The columns that a stage gives itself: all but those."""
        made = {name for one in self.calibrated for name in one.made}
        return tuple(column for column in self.columns if column.name not in made)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the shard's object."""
        return row_schema([*self.plan_carry, *self.header_carry], self.columns)


def assemble(rows: ShardRows, layout: RowLayout) -> pa.Table:
    """The finished rows, in plan order. Call once, after the last value is in."""
    values = {name: columns.finish() for name, columns in rows.models.items()}
    statuses, details = _record_status(rows)
    given: dict[str, Any] = {
        "record_id": rows.records["record_id"],
        "subject_id": _subjects(rows, layout),
        "status": _dictionary(statuses),
        "detail": pa.array(details, pa.string()),
        **{field.name: rows.records[field.name] for field in layout.plan_carry},
        **{field.name: pa.array(rows.header[field.name], field.type) for field in layout.header_carry},
    }
    for column in layout.given:
        if column.output:
            given[column.name] = values[column.model][column.output]
        else:
            given[column.name] = _dictionary([status or Status.OK for status in rows.models[column.model].statuses])
    return _table({name: _one_chunk(array) for name, array in given.items()}, layout)


def _table(given: dict[str, Any], layout: RowLayout) -> pa.Table:
    """The columns that were given, and those that are made of them."""
    for one in layout.calibrated:
        given |= dict(one.arrays(given))
    return pa.table([given[name] for name in layout.schema.names], schema=layout.schema)


def build_rows(
    records: pa.Table,
    layout: RowLayout,
    values: Mapping[str, Any],
    statuses: Sequence[Status],
    details: Sequence[str | None] = (),
) -> pa.Table:
    """Finished rows of a stage that works on whole shards: `values` are its columns by name, in plan order.

    Columns that the plan carries come from `records`; `details` may be left out where all is well. Arrays and lists
    are cast to the declared types.
    """
    given: dict[str, Any] = {
        "record_id": records["record_id"],
        "subject_id": records["subject_id"],
        "status": _dictionary(statuses),
        "detail": pa.array(details or [None] * records.num_rows, pa.string()),
        **{field.name: records[field.name] for field in layout.plan_carry},
        **values,
    }
    types = {field.name: field.type for field in layout.schema}
    return _table({name: _as(values, types[name]) for name, values in given.items() if name in types}, layout)


def stamp(table: pa.Table, fingerprint: str) -> pa.Table:
    """The table with a run's fingerprint in its metadata, so that its Parquet file says whose it is."""
    return table.replace_schema_metadata(
        {**(table.schema.metadata or {}), b"wardround.fingerprint": fingerprint.encode()}
    )


def encode(table: pa.Table, layout: RowLayout, record_ids: pa.ChunkedArray, metadata: Mapping[str, str]) -> bytes:
    """The whole Parquet body in memory, sealed, checked against the plan and read back by its footer.

    Raises WardroundError if the rows are not exactly the planned ones in their order.
    """
    if not table.column("record_id").combine_chunks().equals(record_ids.combine_chunks()):
        raise WardroundError("the rows of a shard are not the planned records in plan order: nothing is written")
    if table.schema != layout.schema:
        raise WardroundError("the rows of a shard have another schema than the run declares: nothing is written")
    keys = {f"wardround.{key}".encode(): value.encode() for key, value in metadata.items()}
    sink = io.BytesIO()
    stamped = table.replace_schema_metadata({**(table.schema.metadata or {}), **keys})
    with pq.ParquetWriter(
        sink, stamped.schema, compression="zstd", use_dictionary=_repeating(stamped.schema)
    ) as writer:
        writer.write_table(stamped, row_group_size=max(1, table.num_rows))
        # A place for the digest, which `workers.pipeline.seal` fills in once all other bytes are known.
        writer.add_key_value_metadata({seal.KEY: seal.BLANK})
    body = seal.sealed(sink)
    # Read back: what is committed is never written again, so a footer that cannot be read has to show here.
    footer = pq.read_metadata(pa.BufferReader(body))
    if footer.num_rows != table.num_rows:
        raise WardroundError("an encoded shard has lost rows: nothing is written")
    return body


def _repeating(schema: pa.Schema) -> list[str]:
    """Paths of the columns that get a dictionary of their values: one of fractions, which hardly repeat, holds all."""
    plain = [field.name for field in schema if not pa.types.is_floating(field.type)]
    lists = [field for field in schema if pa.types.is_list(field.type)]
    inner = [f"{field.name}.list.element" for field in lists if not pa.types.is_floating(field.type.value_type)]
    return plain + inner


def status_counts(table: pa.Table) -> dict[str, int]:
    """Rows by status."""
    return _counted(table.column("status"))


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    counted = pc.value_counts(column.cast(pa.string()))
    return {item["values"]: item["counts"] for item in counted.to_pylist()}


def model_status_counts(table: pa.Table, columns: Sequence[OutputColumn]) -> dict[str, dict[str, int]]:
    """Rows by status in each of several models, by model; of one model the rows' own status says it."""
    named = [(column.model, table.column(column.name)) for column in columns if not column.output]
    return {model: _counted(column) for model, column in named}


def column_totals(table: pa.Table, columns: Sequence[OutputColumn]) -> dict[str, tuple[float, int]]:
    """Sum and number of the values of each column that has a total."""
    counted = [table[column.name].drop_null() for column in columns if column.total]
    sums = [float(pc.sum(values.cast(pa.float64())).as_py() or 0.0) for values in counted]
    names = [column.name for column in columns if column.total]
    return {name: (total, len(values)) for name, total, values in zip(names, sums, counted, strict=True)}


def _record_status(rows: ShardRows) -> tuple[list[Status], list[str | None]]:
    """Status and detail of the record itself; with a single model, what that model made of it as well. Of several the
    detail tells what kept which from scoring it."""
    statuses, details = list(rows.statuses), list(rows.details)
    if len(rows.models) == 1:
        only = next(iter(rows.models.values()))
        statuses = [own or model for own, model in zip(statuses, only.statuses, strict=True)]
        details = [own or model for own, model in zip(details, only.details, strict=True)]
    else:
        details = [
            own if status is not None else _of_models(own, at, rows.models)
            for at, (status, own) in enumerate(zip(statuses, details, strict=True))
        ]
    return [status or Status.OK for status in statuses], details


def _of_models(own: str | None, row: int, models: Mapping[str, ModelColumns]) -> str | None:
    told = [f"{name}: {columns.details[row]}" for name, columns in models.items() if columns.details[row]]
    return "; ".join([*([own] if own else []), *told]) or None


def _subjects(rows: ShardRows, layout: RowLayout) -> Any:
    if layout.subject_from is None:
        return rows.records["subject_id"]
    return pa.array(rows.header[layout.subject_from], pa.string())


def _dictionary(values: Sequence[str]) -> pa.Array:
    return pa.array([str(value) for value in values], pa.string()).cast(STATUS_TYPE)


def _as(values: Any, kind: pa.DataType) -> Any:
    array = _one_chunk(values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind))
    return array if array.type == kind else array.cast(kind)


def _one_chunk(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
