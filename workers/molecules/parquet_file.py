"""Molecules of Parquet files, a batch at a time."""

from collections.abc import Iterator

import pyarrow as pa

from cluster.storage import ObjectInfo, Store
from schemas.errors import SpecError
from schemas.loading import nearest
from schemas.wording import in_short
from workers.molecules.record import Molecule, check_smiles
from workers.molecules.settings import MoleculesInput
from workers.reading.columns import decoded, value_type
from workers.reading.parquet import open_parquet, parquet_batches

_BATCH = 10_000


def parquet_molecules(store: Store, info: ObjectInfo, source: MoleculesInput) -> Iterator[Molecule]:
    """A row each. SMILES may be text or bytes. Raises SpecError for a column that is lacking, or of another type."""
    file = open_parquet(store, info.key)
    names = [source.smiles, *(name for name in (source.record_id, source.subject_id) if name), *source.carry]
    check_columns(file.schema_arrow, names, source.smiles)
    row = 0
    for batch in parquet_batches(file, names, _BATCH, info.key):
        smiles = _as_bytes(batch.column(source.smiles))
        ids = _text(batch, source.record_id)
        subjects = _text(batch, source.subject_id)
        carried = [decoded(batch.column(name)).to_pylist() for name in source.carry]
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
                f"It has {in_short(schema.names)}"
            )
    kind = value_type(schema.field(smiles).type)
    if kind not in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        raise SpecError(f"column {smiles!r} of a file of input.uri is {kind}: SMILES are text. input.smiles names it")


def _as_bytes(column: pa.Array) -> list[bytes | None]:
    """As bytes, since Arrow does not check that text is UTF-8 when it reads it."""
    values: list[bytes | None] = decoded(column).cast(pa.large_binary()).to_pylist()
    return values


def _text(batch: pa.RecordBatch, name: str | None) -> list[str | None] | None:
    if name is None:
        return None
    try:
        column = decoded(batch.column(name)).cast(pa.string())
        column.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # The message of Arrow quotes the value.
        raise SpecError(f"column {name!r} of a file of input.uri cannot be read as text: ids are text") from None
    values: list[str | None] = column.to_pylist()
    return values
