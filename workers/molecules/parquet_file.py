"""Molecules of Parquet files, a batch at a time."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectInfo, ObjectMissing, Store
from schemas.errors import InfrastructureError, SpecError
from schemas.loading import nearest
from workers.molecules.record import Molecule, check_smiles
from workers.molecules.settings import MoleculesInput

_BATCH = 10_000


@contextmanager
def sound_parquet() -> Iterator[None]:
    """SpecError for what Arrow cannot read; its own message is dropped, since it may quote what it read."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            code = errno.errorcode.get(error.errno, "EIO")
            raise InfrastructureError(f"a file cannot be read: {code}: check the disk, then run again") from None
        raise SpecError("a .parquet file of input.uri is no Parquet file, or damaged: write it again") from None
    except ObjectMissing:
        raise SpecError("a file of input.uri vanished while it was planned: run again") from None


def parquet_schema(store: Store, key: str) -> pa.Schema:
    """Its columns. Raises SpecError."""
    with sound_parquet():
        return pq.ParquetFile(store.open_reader(key)).schema_arrow


def parquet_molecules(store: Store, info: ObjectInfo, source: MoleculesInput) -> Iterator[Molecule]:
    """A row each. SMILES may be text or bytes. Raises SpecError for a column that is lacking, or of another type."""
    with sound_parquet():
        file = pq.ParquetFile(store.open_reader(info.key))
    names = [source.smiles, *(name for name in (source.record_id, source.subject_id) if name), *source.carry]
    check_columns(file.schema_arrow, names, source.smiles)
    batches = file.iter_batches(batch_size=_BATCH, columns=list(dict.fromkeys(names)), use_threads=False)
    row = 0
    while True:
        with sound_parquet():
            batch = next(batches, None)
        if batch is None:
            return
        smiles = _as_bytes(batch.column(source.smiles))
        ids = _text(batch, source.record_id)
        subjects = _text(batch, source.subject_id)
        carried = [_plain(batch.column(name)).to_pylist() for name in source.carry]
        for place in range(batch.num_rows):
            yield Molecule(
                ids[place] if ids is not None else f"{info.key}#{row + place}",
                subjects[place] if subjects is not None else None,
                *check_smiles(smiles[place], source.max_chars),
                tuple(values[place] for values in carried),
            )
        row += batch.num_rows


def check_columns(schema: pa.Schema, names: list[str], smiles: str) -> None:
    """Raises SpecError for a column that is not there, or a SMILES that is no text."""
    for name in names:
        if name not in schema.names:
            raise SpecError(
                f"a file of input.uri has no column {name!r}{nearest(name, schema.names) or ';'} input names it. "
                f"It has {', '.join(schema.names[:20])}"
            )
    kind = plain_type(schema.field(smiles).type)
    if kind not in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        raise SpecError(f"column {smiles!r} of a file of input.uri is {kind}: SMILES are text. input.smiles names it")


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Of the values themselves."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(plain_type(column.type))


def _as_bytes(column: pa.Array) -> list[bytes | None]:
    """As bytes, since Arrow does not check that text is UTF-8 when it reads it."""
    values: list[bytes | None] = _plain(column).cast(pa.large_binary()).to_pylist()
    return values


def _text(batch: pa.RecordBatch, name: str | None) -> list[str | None] | None:
    if name is None:
        return None
    try:
        column = _plain(batch.column(name)).cast(pa.string())
        column.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # The message of Arrow quotes the value.
        raise SpecError(f"column {name!r} of a file of input.uri cannot be read as text: ids are text") from None
    values: list[str | None] = column.to_pylist()
    return values
