"""Molecules of CSV, TSV and SMI files, in the order in which they stand there."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cluster.storage import ObjectInfo, Store
from schemas.errors import SpecError
from schemas.loading import nearest
from schemas.status import Status
from workers.molecules.record import Molecule, as_text, check_smiles, has_no_text, replaced
from workers.molecules.settings import MoleculesInput
from workers.molecules.textlines import LONGEST_LINE, Line, lines

_BOM = b"\xef\xbb\xbf"


def smi_molecules(store: Store, info: ObjectInfo, source: MoleculesInput) -> Iterator[Molecule]:
    """A line each: SMILES, then white space and a name. Blank lines are none."""
    row = -1
    found = (line for line in lines(store, info) if line.data.strip())
    for number, line in enumerate(found):
        data = line.data.removeprefix(_BOM) if number == 0 else line.data
        if source.header and number == 0:
            continue
        row += 1
        smiles, _, name = data.strip().replace(b"\t", b" ").partition(b" ")
        text = as_text(name.strip())
        is_name = bool(text) and line.is_whole and not has_no_text(text)
        yield Molecule(text if is_name else f"{info.key}#{row}", None, *check_smiles(smiles, source.max_chars))


def csv_molecules(store: Store, info: ObjectInfo, source: MoleculesInput) -> Iterator[Molecule]:
    """A record each (RFC 4180); blank lines are none. Raises SpecError for a header that lacks a column."""
    delimiter = source.delimiter or ("\t" if ".tsv" in info.key.lower() else ",")
    # The parser's own limit is for the whole process; ours, in `_Given`, is for a record.
    csv.field_size_limit(2**31 - 1)
    given = _Given(lines(store, info))
    reader = csv.reader(given, delimiter=delimiter)
    rows = _records(reader, given)
    header = next(rows, None)
    if header is None:
        return
    columns = _columns(header)
    wanted = [source.smiles, *(name for name in (source.record_id, source.subject_id) if name), *source.carry]
    for name in wanted:
        if name not in columns:
            raise SpecError(
                f"a file of input.uri has no column {name!r}{nearest(name, columns) or ';'} input names it. "
                f"It has {', '.join(list(columns)[:20])}"
            )
    for row, fields in enumerate(rows):
        yield _molecule(fields, columns, f"{info.key}#{row}", source)


def _molecule(fields: Sequence[str], columns: Mapping[str, int], number: str, source: MoleculesInput) -> Molecule:
    if len(fields) != len(columns):
        nothing = (None,) * len(source.carry)
        return Molecule(number, None, None, Status.UNREADABLE, "it has not as many fields as the header", nothing)
    record_id = fields[columns[source.record_id]] if source.record_id else number
    subject_id = replaced(fields[columns[source.subject_id]]) if source.subject_id else None
    return Molecule(
        number if has_no_text(record_id) else record_id or None,
        subject_id,
        *check_smiles(fields[columns[source.smiles]], source.max_chars),
        tuple(replaced(fields[columns[name]]) for name in source.carry),
    )


class _Given(Iterator[str]):
    """Lines as text for the parser of CSV. `taken` counts the bytes since the last record."""

    def __init__(self, found: Iterator[Line]) -> None:
        self._found = found
        self.taken = 0

    def __next__(self) -> str:
        line = next(self._found)
        self.taken += len(line.data)
        if not line.is_whole or self.taken > LONGEST_LINE:
            raise SpecError(
                f"a record of a CSV file of input.uri has more than {LONGEST_LINE >> 20} MiB: a quote may never be "
                "closed, or input.delimiter be wrong"
            )
        return as_text(line.data.removeprefix(_BOM)) + "\n"


def _records(reader: Iterable[list[str]], given: _Given) -> Iterator[list[str]]:
    try:
        for fields in reader:
            given.taken = 0
            if fields:
                yield fields
    except csv.Error:
        raise SpecError("a file of input.uri is not CSV that can be read: fix it, or name input.delimiter") from None


def _columns(header: Sequence[str]) -> dict[str, int]:
    if len(set(header)) != len(header):
        doubled = sorted(name for name in set(header) if header.count(name) > 1)
        raise SpecError(f"a CSV file of input.uri has two columns {doubled[0]!r}: rename one")
    return {name: place for place, name in enumerate(header)}
