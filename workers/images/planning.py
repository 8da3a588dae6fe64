"""List the records of collection `images`: a prefix of objects, a table of uris, a column of Parquet files, or what a
DICOMweb service finds."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.storage import ObjectInfo, Search, StorageSettings, Store, join, open_store, search_service, split
from schemas.errors import SpecError
from schemas.plan import PLAN_FIELDS, RESERVED, plan_schema
from schemas.wording import in_short
from workers.images.settings import ImagesInput
from workers.images.table_archives import TableArchives, joined, parted
from workers.images.uris import OneSpelling, canonical
from workers.reading.archives.found import Counts
from workers.reading.archives.listing import with_members
from workers.reading.archives.names import ENDINGS, archive_kind
from workers.reading.columns import cast_column
from workers.reading.csv_faults import csv_fault, separator_hint
from workers.reading.csv_records import delimiter_of
from workers.reading.csv_tables import csv_batches, csv_names
from workers.reading.listing import listed, locate, named_file, planned_file, unchanged
from workers.reading.parquet import damage_as, guarded, open_parquet, parquet_batches, parquet_schema

T = TypeVar("T")
_LISTED = 10_000
_LIKE_URI = frozenset(
    {"uri", "url", "path", "paths", "file", "files", "filename", "filepath", "image", "imagepath", "imagefile", "key"}
    | {"dicompath", "dicomfile", "location", "imageuri", "imageurl", "fileuri", "src"}
)
"""Names, without underscores, that people give to the column of uris."""
_TABLES = (".parquet", ".csv", ".csv.gz", ".tsv")
_CSV_NUMBERS = ("member", "size")
_ROWS = 65_536


class ImageRecords:
    """The records of the collection in their one order: by key, or as the table has them."""

    def __init__(self, source: ImagesInput, storage: StorageSettings) -> None:
        self.source = source
        self.storage = storage
        self.kind = kind_of(source)
        self.columns = self._table_schema() if self.kind in ("table", "columns") else pa.schema([])
        self.carry = tuple(self._carried(name) for name in source.carry if name in self.columns.names)
        self.header_carry = tuple(name for name in source.carry if name not in self.columns.names)
        self._passed_over = Counts()
        self._refuse_unknown()
        self._search = _search_of(source) if self.kind == "service" else None

    @property
    def schema(self) -> pa.Schema:
        """Schema of the plan."""
        return plan_schema(self.carry)

    @property
    def subject_from(self) -> str | None:
        """DICOM keyword that gives the subject, where no column does."""
        named = self.source.subject_id
        return named if named and named not in self.columns.names else None

    def passed_over(self) -> dict[str, int]:
        """What of archives is no record, by reason, once `batches` came to its end."""
        return dict(+self._passed_over)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises InfrastructureError if the store cannot be read."""
        match self.kind:
            case "prefix":
                return self._from_prefix()
            case "service":
                return self._from_service()
            case "table":
                return self._from_table()
            case _:
                return self._from_columns()

    def _from_prefix(self) -> Iterator[pa.RecordBatch]:
        store, archive = self._place()
        found: Iterator[ObjectInfo] = listed(store) if archive is None else iter([named_file(store, archive)])
        self._passed_over.clear()
        objects = with_members(store, found, self.source.glob, self.source.max_inflated, self._passed_over)
        first = next(objects, None)
        if first is None:
            self._refuse_one_file()
            return
        objects = chain([first], objects)
        while part := list(islice(objects, _LISTED)):
            keys = pa.array([info.key for info in part], pa.string())
            yield _batch(
                self.schema,
                record_id=keys,
                uri=pc.binary_join_element_wise(store.uri + "/", keys, ""),
                size=pa.array([info.size for info in part], pa.int64()),
                etag=pa.array([info.etag for info in part], pa.string()),
            )

    def _from_service(self) -> Iterator[pa.RecordBatch]:
        """Sizes are not told by a service, and versions there are none."""
        assert self._search is not None
        root = open_store(self.source.uri, self.storage).uri
        found = search_service(self.source.uri, self.storage, self._search)
        while part := list(islice(found, _LISTED)):
            keys = pa.array(part, pa.string())
            yield _batch(self.schema, record_id=keys, uri=pc.binary_join_element_wise(root + "/", keys, ""))

    def _place(self) -> tuple[Store, str | None]:
        """The store of the prefix, or that of the folder of an archive, with its name. Unpacked, an archive is often a
        folder of its name."""
        if _is_archive(self.source.uri):
            return locate(self.source.uri, self.storage)
        return open_store(self.source.uri, self.storage), None

    def _refuse_one_file(self) -> None:
        """Raises SpecError where what is named is an object, and not what objects lie under."""
        if _is_archive(self.source.uri):
            raise SpecError("input.uri names an archive that holds no image, or is not there: correct the uri")
        folder, name = split(self.source.uri.rstrip("/"))
        if open_store(folder, self.storage).head(name) is not None:
            raise SpecError(
                f"input.uri is a file, and names a folder of images, a table of them ({', '.join(_TABLES)}), or an "
                f"archive ({', '.join(ENDINGS)}): for this image alone name its folder, and input.glob: {name!r}"
            )

    def _from_table(self) -> Iterator[pa.RecordBatch]:
        store, name = open_store(_folder(self.source.uri), self.storage), split(self.source.uri)[1]
        roots = roots_of(self.source, self.storage)
        start, spellings = 0, OneSpelling()
        self._passed_over.clear()
        archives = TableArchives(roots, self.storage, self.source.max_inflated, self._passed_over)
        named = self.source.record_id in self.columns.names
        for batch in _table_batches(store, name, self.columns):
            files, members = parted(_text(batch, "uri"))
            uris = joined(canonical(files, store.uri, roots, start), members)
            if not named:
                spellings.take(uris, _column(batch, "member"))
            yield from archives.expanded(
                _batch(
                    self.schema,
                    record_id=_text(batch, self.source.record_id) or _text(batch, "uri"),
                    subject_id=_text(batch, self.source.subject_id or "subject_id"),
                    uri=uris,
                    member=_column(batch, "member"),
                    size=_column(batch, "size"),
                    etag=_column(batch, "etag"),
                    carry=batch,
                )
            )
            start += batch.num_rows
        spellings.check()

    def _from_columns(self) -> Iterator[pa.RecordBatch]:
        folder = _folder(self.source.uri)
        store = open_store(folder, self.storage)
        for key in self._parquet_keys(store):
            wanted = {self.source.record_id, self.source.subject_id or "subject_id", *(f.name for f in self.carry)}
            with unchanged(key):
                etag = planned_file(store, key, None).etag
            file = open_parquet(store, key)
            columns = [name for name in file.schema_arrow.names if name in wanted]
            _refuse_lacking(file, key, {self.source.bytes_column or "", *(field.name for field in self.carry)})
            start = 0
            for batch in parquet_batches(file, columns, _ROWS, key):
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
        keys = [info.key for info in listed(store) if info.key.endswith(".parquet")]
        if not keys:
            raise SpecError("input.uri has no .parquet files, and input.bytes_column asks for some")
        return keys

    def _table_schema(self) -> pa.Schema:
        store = open_store(_folder(self.source.uri), self.storage)
        name = self._parquet_keys(store)[0] if self.kind == "columns" else split(self.source.uri)[1]
        if name.endswith(".parquet"):
            return parquet_schema(store, name)
        return _csv_schema(store, name)

    def _carried(self, name: str) -> pa.Field:
        if name in RESERVED:
            raise SpecError(f"input.carry names {name!r}, which every run writes anyway")
        return pa.field(name, self.columns.field(name).type)

    def _refuse_unknown(self) -> None:
        needed = {"table": "uri", "columns": self.source.bytes_column}.get(self.kind)
        if needed and needed not in self.columns.names:
            hint = separator_hint(self.columns.names, delimiter_of(self.source.uri)) or _renaming(self.columns.names)
            raise SpecError(
                f"the input table has no column {needed!r}; it has {in_short(self.columns.names)}"
                f"{f': {hint}' if hint else ''}"
            )
        named = self.source.record_id
        if "record_id" in self.source.model_fields_set and named not in self.columns.names:
            there = f"its columns are {in_short(self.columns.names)}" if self.columns.names else "it is no table"
            raise SpecError(f"input.record_id names a column {named!r} that input.uri does not have; {there}")
        names = [*self.header_carry, *([self.subject_from] if self.subject_from else [])]
        if names:
            # It knows pydicom, which takes a while to import and is needed for nothing else here.
            from workers.images.preflight import check_attributes  # noqa: PLC0415

            try:
                check_attributes(names, self.columns.names)
            except SpecError:
                # A column of a workbook is no attribute: that the file is no table comes first.
                if self.kind == "prefix":
                    self._refuse_one_file()
                raise
        if self.source.select is not None:
            from workers.images.preflight import check_selection  # noqa: PLC0415 - pydicom, as above

            check_selection(self.source.select)


def kind_of(source: ImagesInput) -> Literal["prefix", "table", "columns", "service"]:
    """What the input is, by the spec alone."""
    if source.is_service:
        return "service"
    if source.bytes_column:
        return "columns"
    return "table" if source.uri.endswith(_TABLES) else "prefix"


def roots_of(source: ImagesInput, storage: StorageSettings) -> tuple[str, ...]:
    """Where the bytes may lie, by the spec alone: no request is sent."""
    named = source.roots if kind_of(source) == "table" else ()
    return tuple(open_store(root, storage).uri for root in named or (_folder(source.uri),))


def _search_of(source: ImagesInput) -> Search:
    # It knows pydicom, which other inputs do not need here.
    from workers.images.service_query import search_of  # noqa: PLC0415

    return search_of(source.query)


def _folder(uri: str) -> str:
    return split(uri)[0] if uri.endswith(_TABLES) or _is_archive(uri) else uri


def _is_archive(uri: str) -> bool:
    return archive_kind(uri) is not None


def _refuse_lacking(file: pq.ParquetFile, key: str, needed: set[str]) -> None:
    lacking = sorted(needed - set(file.schema_arrow.names))
    if lacking:
        raise SpecError(f"{key!r} of input.uri has no column {lacking[0]!r}, and others have: write it again")


def _table_batches(store: Store, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    if name.endswith(".parquet"):
        yield from parquet_batches(open_parquet(store, name), schema.names, _ROWS, name)
        return
    batches = csv_batches(
        store.open_reader(name), name, delimiter_of(name), dict(zip(schema.names, schema.types, strict=True))
    )
    yield from _explained(store, name, guarded(batches, _NoCsvError(), SpecError(_NO_TABLE)))


def _explained(store: Store, name: str, batches: Iterator[T]) -> Iterator[T]:
    """The same batches; where the file is no such CSV, its first line that is not is looked for."""
    try:
        yield from batches
    except _NoCsvError:
        fault = csv_fault(store.open_reader(name), name, delimiter_of(name), _CSV_NUMBERS)
        raise SpecError(f"the input table is no CSV as it has to be: {fault}") from None


class _NoCsvError(SpecError):
    """Arrow cannot read it."""


_NO_TABLE = "input.uri names a table that is not there: correct the uri"


def _csv_schema(store: Store, name: str) -> pa.Schema:
    """Columns of a CSV table. They are text, as an id like 007 is not a number, but for those that we count with."""

    def named() -> Iterator[tuple[str, ...]]:
        with damage_as(_NoCsvError(), SpecError(_NO_TABLE)):
            yield csv_names(store.open_reader(name), name, delimiter_of(name))

    (names,) = _explained(store, name, named())
    return pa.schema([(column, pa.int64() if column in _CSV_NUMBERS else pa.string()) for column in names])


def _text(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    return cast_column(batch.column(name), name, pa.string()) if name in batch.schema.names else None


def _column(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    return batch.column(name) if name in batch.schema.names else None


def _batch(schema: pa.Schema, carry: pa.RecordBatch | None = None, **columns: pa.Array | None) -> pa.RecordBatch:
    rows = len(columns["uri"]) if columns["uri"] is not None else 0
    arrays = []
    for field in schema:
        given = columns.get(field.name)
        if given is None and carry is not None and field.name not in {known.name for known in PLAN_FIELDS}:
            given = carry.column(field.name)
        arrays.append(pa.nulls(rows, field.type) if given is None else cast_column(given, field.name, field.type))
    return pa.record_batch(arrays, schema=schema)


def _renaming(names: Sequence[str]) -> str:
    """What to rename where one column alone is called as columns of paths are; empty where none is."""
    found = [name for name in names if name.lower().strip("_ ").replace("_", "") in _LIKE_URI]
    return f"rename {found[0]!r} to 'uri'" if len(found) == 1 else ""
