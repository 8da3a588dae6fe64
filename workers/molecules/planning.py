"""List the records of collection `molecules`: by key, and as each file has them. The plan holds their SMILES."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectInfo, StorageSettings, join
from schemas.errors import SpecError
from schemas.plan import RESERVED, plan_batch, plan_schema
from workers.molecules.parquet_file import check_columns, parquet_molecules
from workers.molecules.record import Molecule
from workers.molecules.settings import ENDINGS, MoleculesFormat, MoleculesInput, format_of
from workers.molecules.text_files import csv_molecules, smi_molecules
from workers.reading.columns import value_type
from workers.reading.listing import listed, locate, named_file, nothing_fits
from workers.reading.parquet import parquet_schema

_BATCH = 10_000
SMILES = "smiles"
CANONICAL, INCHIKEY = "canonical_smiles", "inchikey"
FAULT = (pa.field("fault", pa.string()), pa.field("fault_detail", pa.string()))
"""Status and detail of what was found wrong while planning."""

_READ = {"parquet": parquet_molecules, "csv": csv_molecules, "smi": smi_molecules}
_OWN = {SMILES, CANONICAL, INCHIKEY, *(field.name for field in FAULT)}


class MoleculeRecords:
    """The records of the collection."""

    def __init__(self, source: MoleculesInput, storage: StorageSettings) -> None:
        self._source = source
        self._store, self._name = locate(source.uri, storage)
        for name in source.carry:
            if name in RESERVED | _OWN:
                raise SpecError(f"input.carry names {name!r}, which every run over molecules writes anyway")

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of the plan."""
        return plan_schema((*self._carried, pa.field(SMILES, pa.string()), *FAULT))

    @property
    def carry(self) -> tuple[str, ...]:
        """Columns of the plan that the rows have too."""
        return (*self._source.carry, SMILES)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every record, in order. Raises SpecError, InfrastructureError."""
        schema = self.schema
        for info, kind in self._files():
            found = _READ[kind](self._store, info, self._source)
            while part := list(islice(found, _BATCH)):
                yield self._batch(schema, info, part)

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """Facts about these planned records."""
        faults: Counter[str] = Counter()
        longest = 0
        for table in tables:
            faults.update(status for status in table["fault"].to_pylist() if status)
            longest = max([longest, *(len(smiles) for smiles in table[SMILES].to_pylist() if smiles)])
        return {"longest_smiles": longest, "not_to_be_scored": dict(faults)}

    @cached_property
    def _carried(self) -> tuple[pa.Field, ...]:
        """What is carried: of Parquet as it is there, else text."""
        names = self._source.carry
        info, kind = next(self._files())
        if not names or kind == "csv":
            return tuple(pa.field(name, pa.string()) for name in names)
        if kind == "smi":
            raise SpecError(f"input.carry names {names[0]!r}, and a .smi file has no columns")
        schema = parquet_schema(self._store, info.key)
        check_columns(schema, [self._source.smiles, *names], self._source.smiles)
        return tuple(pa.field(name, value_type(schema.field(name).type)) for name in names)

    def _batch(self, schema: pa.Schema, info: ObjectInfo, part: list[Molecule]) -> pa.RecordBatch:
        columns: dict[str, Any] = {
            "record_id": [one.record_id for one in part],
            "subject_id": [one.subject_id for one in part],
            SMILES: [one.smiles for one in part],
            "fault": [one.fault for one in part],
            "fault_detail": [one.detail or None for one in part],
        }
        columns |= {name: [one.carried[at] for one in part] for at, name in enumerate(self._source.carry)}
        try:
            return plan_batch(schema, columns, uri=join(self._store.uri, info.key), etag=info.etag)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            # The message of Arrow quotes the value.
            raise SpecError("a carried column has another type in another file of input.uri: leave it out") from None

    def _files(self) -> Iterator[tuple[ObjectInfo, MoleculesFormat]]:
        """The files to read, by key. Raises SpecError where there is none, or several kinds lie together."""
        kinds: set[MoleculesFormat] = set()
        for info in self._found():
            kind = format_of(info.key)
            if self._source.format != "auto":
                kind = self._source.format if self._name else (kind if kind == self._source.format else None)
            if kind is None:
                continue
            kinds.add(kind)
            if len(kinds) > 1:
                raise SpecError(
                    "input.uri holds molecules in files of several formats: name input.format or input.glob"
                )
            yield info, kind
        if not kinds:
            raise nothing_fits(
                self._store,
                f"no file whose name says that it holds molecules ({', '.join(ENDINGS)}): "
                "correct it, or name input.format",
            )

    def _found(self) -> Iterator[ObjectInfo]:
        if self._name is not None:
            return iter((named_file(self._store, self._name),))
        return listed(self._store, self._source.glob)
