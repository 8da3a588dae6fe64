"""List the records of collection `images`: a prefix of objects, a table of uris, or a column of Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from cluster.storage import ObjectInfo, ObjectMissing, StorageSettings, Store, join, open_store, parse, split
from schemas.errors import SpecError
from schemas.plan import PLAN_FIELDS, RESERVED, plan_schema
from workers.images.settings import ImagesInput
from workers.reading.error_latching import raise_if_disk

_LISTED = 10_000
_TABLES = (".parquet", ".csv", ".csv.gz", ".tsv")
_CSV_NUMBERS = ("member", "size")
_CSV_BLOCK = 8 << 20
"""A row of a CSV table must fit in here."""


class ImageRecords:
    """The records of the collection in their one order: by key, or as the table has them."""

    def __init__(self, source: ImagesInput, storage: StorageSettings) -> None:
        self.source = source
        self.storage = storage
        self.kind = _kind(source)
        self.columns = self._table_schema() if self.kind != "prefix" else pa.schema([])
        self.carry = tuple(self._carried(name) for name in source.carry if name in self.columns.names)
        self.header_carry = tuple(name for name in source.carry if name not in self.columns.names)
        self._refuse_unknown()

    @property
    def schema(self) -> pa.Schema:
        """Schema of the plan."""
        return plan_schema(self.carry)

    @property
    def subject_from(self) -> str | None:
        """DICOM keyword that gives the subject, where no column does."""
        named = self.source.subject_id
        return named if named and named not in self.columns.names else None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises InfrastructureError if the store cannot be read."""
        match self.kind:
            case "prefix":
                return self._from_prefix()
            case "table":
                return self._from_table()
            case _:
                return self._from_columns()

    def roots(self) -> tuple[str, ...]:
        """Where the bytes may lie."""
        if self.kind == "table":
            return tuple(
                open_store(root, self.storage).uri for root in self.source.roots or (_folder(self.source.uri),)
            )
        return (open_store(_folder(self.source.uri), self.storage).uri,)

    def _from_prefix(self) -> Iterator[pa.RecordBatch]:
        store = open_store(self.source.uri, self.storage)
        objects = (info for info in store.list() if self._is_wanted(info))
        while listed := list(islice(objects, _LISTED)):
            keys = _keys(listed)
            yield _batch(
                self.schema,
                record_id=keys,
                uri=pc.binary_join_element_wise(store.uri + "/", keys, ""),
                size=pa.array([info.size for info in listed], pa.int64()),
                etag=pa.array([info.etag for info in listed], pa.string()),
            )

    def _is_wanted(self, info: ObjectInfo) -> bool:
        marker = info.key.endswith("/") and info.size == 0
        return not marker and (self.source.glob is None or fnmatchcase(info.key, self.source.glob))

    def _from_table(self) -> Iterator[pa.RecordBatch]:
        store, name = open_store(_folder(self.source.uri), self.storage), split(self.source.uri)[1]
        roots = self.roots()
        start = 0
        for batch in _table_batches(store, name, self.columns):
            uris = _absolute(_text(batch, "uri"), store.uri, roots, start)
            yield _batch(
                self.schema,
                record_id=_text(batch, self.source.record_id) or _text(batch, "uri"),
                subject_id=_text(batch, self.source.subject_id or "subject_id"),
                uri=uris,
                member=_column(batch, "member"),
                size=_column(batch, "size"),
                etag=_column(batch, "etag"),
                carry=batch,
            )
            start += batch.num_rows

    def _from_columns(self) -> Iterator[pa.RecordBatch]:
        folder = _folder(self.source.uri)
        store = open_store(folder, self.storage)
        for key in self._parquet_keys(store):
            wanted = {self.source.record_id, self.source.subject_id or "subject_id", *(f.name for f in self.carry)}
            etag = _etag(store, key)
            file = _parquet(store, key)
            columns = [name for name in file.schema_arrow.names if name in wanted]
            _refuse_lacking(file, {self.source.bytes_column or "", *(field.name for field in self.carry)})
            start = 0
            for batch in _column_batches(file, columns):
                rows = pa.array(range(start, start + batch.num_rows), pa.int64())
                named = _text(batch, self.source.record_id)
                yield _batch(
                    self.schema,
                    record_id=named or pc.binary_join_element_wise(key, rows.cast(pa.string()), "#"),
                    subject_id=_text(batch, self.source.subject_id or "subject_id"),
                    uri=pa.array([join(store.uri, key)] * batch.num_rows, pa.string()),
                    member=rows,
                    etag=pa.array([etag] * batch.num_rows, pa.string()),
                    carry=batch,
                )
                start += batch.num_rows

    def _parquet_keys(self, store: Store) -> list[str]:
        if self.source.uri.endswith(".parquet"):
            return [split(self.source.uri)[1]]
        keys = [info.key for info in store.list() if info.key.endswith(".parquet")]
        if not keys:
            raise SpecError("input.uri has no .parquet files, and input.bytes_column asks for some")
        return keys

    def _table_schema(self) -> pa.Schema:
        store = open_store(_folder(self.source.uri), self.storage)
        name = self._parquet_keys(store)[0] if self.kind == "columns" else split(self.source.uri)[1]
        if name.endswith(".parquet"):
            schema: pa.Schema = _parquet(store, name).schema_arrow
            return schema
        return _csv_schema(store.open_reader(name), name)

    def _carried(self, name: str) -> pa.Field:
        if name in RESERVED:
            raise SpecError(f"input.carry names {name!r}, which every run writes anyway")
        return pa.field(name, self.columns.field(name).type)

    def _refuse_unknown(self) -> None:
        needed = {"table": "uri", "columns": self.source.bytes_column}.get(self.kind)
        if needed and needed not in self.columns.names:
            raise SpecError(f"the input table has no column {needed!r}; it has {', '.join(self.columns.names)}")
        named = self.source.record_id
        if "record_id" in self.source.model_fields_set and named not in self.columns.names:
            there = f"its columns are {', '.join(self.columns.names)}" if self.columns.names else "it is no table"
            raise SpecError(f"input.record_id names a column {named!r} that input.uri does not have; {there}")
        names = [*self.header_carry, *([self.subject_from] if self.subject_from else [])]
        if names:
            # It knows pydicom, which takes a while to import and is needed for nothing else here.
            from workers.images.preflight import check_attributes  # noqa: PLC0415

            check_attributes(names)


def _keys(listed: Sequence[ObjectInfo]) -> pa.Array:
    try:
        return pa.array([info.key for info in listed], pa.string())
    except UnicodeEncodeError:
        raise SpecError("a file name under input.uri is not UTF-8, so no record_id can hold it: rename it") from None


def _absolute(uris: pa.Array, folder: str, roots: Sequence[str], start: int) -> pa.Array:
    """Uris in their canonical spelling; relative ones lie beside the table. Refuses what no root holds, by row."""
    if pc.any(pc.starts_with(uris, "file:")).as_py():
        uris = pa.array([None if uri is None else str(parse(uri)) for uri in uris.to_pylist()], pa.string())
    relative = pc.invert(pc.or_(pc.match_substring(uris, "://"), pc.starts_with(uris, "/")))
    full = pc.if_else(relative, pc.binary_join_element_wise(folder + "/", uris, ""), uris)
    inside = pa.scalar(False)
    for root in roots:
        inside = pc.or_(inside, pc.starts_with(full, root.rstrip("/") + "/"))
    climbs = pc.match_substring_regex(full, r"(^|/)\.\.(/|$)")
    bad = pc.or_(pc.fill_null(pc.invert(inside), True), pc.fill_null(climbs, True))
    if pc.any(bad).as_py():
        row = start + pc.index(bad, True).as_py() + 1
        raise SpecError(f"the uri in row {row} of the table is null or lies outside input.roots; name its root there")
    return full


def _kind(source: ImagesInput) -> str:
    if source.bytes_column:
        return "columns"
    return "table" if source.uri.endswith(_TABLES) else "prefix"


def _folder(uri: str) -> str:
    return split(uri)[0] if uri.endswith(_TABLES) else uri


def _refuse_lacking(file: pq.ParquetFile, needed: set[str]) -> None:
    lacking = sorted(needed - set(file.schema_arrow.names))
    if lacking:
        raise SpecError(f"a .parquet file of input.uri has no column {lacking[0]!r}, and others have: write it again")


def _etag(store: Store, key: str) -> str:
    head = store.head(key)
    if head is None:
        raise SpecError("a Parquet file of input.uri vanished while it was listed: stop what deletes there")
    return head.etag


def _parquet(store: Store, name: str) -> pq.ParquetFile:
    with _readable("a .parquet file of input.uri is no Parquet file, or damaged: write it again, or move it away"):
        return pq.ParquetFile(store.open_reader(name))


@contextmanager
def _readable(problem: str) -> Iterator[None]:
    """SpecError for what Arrow cannot read; its own message is dropped, since it quotes what it read."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise_if_disk(error)
        raise SpecError(problem) from None
    except ObjectMissing:
        raise SpecError("input.uri names a table that is not there: correct the uri") from None


def _table_batches(store: Store, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    if name.endswith(".parquet"):
        file = _parquet(store, name)
        yield from _guarded(file.iter_batches(batch_size=65_536, use_threads=False), "the input table is damaged")
        return
    yield from _guarded(_open_csv(store.open_reader(name), name, schema), _NO_CSV)


def _guarded(batches: Iterator[pa.RecordBatch], problem: str) -> Iterator[pa.RecordBatch]:
    while True:
        with _readable(problem):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


_NO_CSV = (
    "the input table is not UTF-8 CSV with a header line, equal columns in every row, and whole numbers in "
    f"{' and '.join(_CSV_NUMBERS)}: correct it, or write it as Parquet"
)


def _csv_schema(reader: Any, name: str) -> pa.Schema:
    """Columns of a CSV table. They are text, as an id like 007 is not a number, but for those that we count with."""
    names = _open_csv(reader, name, pa.schema([])).schema.names
    doubled = sorted({column for column in names if names.count(column) > 1})
    if doubled:
        raise SpecError(f"the input table has two columns {doubled[0]!r}: rename one")
    return pa.schema([(column, pa.int64() if column in _CSV_NUMBERS else pa.string()) for column in names])


def _open_csv(reader: Any, name: str, schema: pa.Schema) -> Any:
    """Only an empty field that is not quoted is null: `NA` and `null` are names and codes too."""
    with _readable(_NO_CSV):
        return pcsv.open_csv(
            pa.CompressedInputStream(reader, "gzip") if name.endswith(".gz") else reader,
            read_options=pcsv.ReadOptions(block_size=_CSV_BLOCK, use_threads=False),
            parse_options=pcsv.ParseOptions(delimiter="\t" if name.endswith(".tsv") else ",", newlines_in_values=True),
            convert_options=pcsv.ConvertOptions(
                column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )


def _column_batches(file: pq.ParquetFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Batches of these columns; of none at all, batches that only count rows."""
    if columns:
        batches = file.iter_batches(batch_size=65_536, columns=columns, use_threads=False)
        yield from _guarded(batches, "a .parquet file of input.uri is damaged: write it again, or move it away")
        return
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        yield pa.record_batch([pa.nulls(rows)], names=["nothing"])


def _text(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    return _cast(batch.column(name), pa.string(), name) if name in batch.schema.names else None


def _cast(values: pa.Array, kind: pa.DataType, name: str) -> pa.Array:
    """Arrow's own message is dropped, since it quotes the value."""
    try:
        return values.cast(kind)
    except pa.ArrowException:
        raise SpecError(
            f"column {name!r} of the input is {values.type} and cannot be read as {kind}: correct or rename it"
        ) from None


def _column(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    return batch.column(name) if name in batch.schema.names else None


def _batch(schema: pa.Schema, carry: pa.RecordBatch | None = None, **columns: pa.Array | None) -> pa.RecordBatch:
    rows = len(columns["uri"]) if columns["uri"] is not None else 0
    arrays = []
    for field in schema:
        given = columns.get(field.name)
        if given is None and carry is not None and field.name not in {known.name for known in PLAN_FIELDS}:
            given = carry.column(field.name)
        arrays.append(pa.nulls(rows, field.type) if given is None else _cast(given, field.type, field.name))
    return pa.record_batch(arrays, schema=schema)


Records = Callable[[], Iterator[pa.RecordBatch]]
