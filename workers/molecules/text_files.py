"""Molecules of CSV, TSV and SMI files, in the order in which they stand there."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence

from cluster.storage import ObjectInfo, Store
from schemas.errors import SpecError
from schemas.loading import nearest
from schemas.status import Status
from schemas.wording import in_short
from workers.molecules.record import Molecule, as_text, check_smiles, has_no_text, replaced
from workers.molecules.settings import MoleculesInput
from workers.reading.csv_records import csv_records, delimiter_of, fields_of_each, header_names
from workers.reading.gzip import InflationError
from workers.reading.lines import blocks, lines
from workers.reading.listing import unchanged

LONGEST_LINE = 16 << 20
"""Bytes of a line of .smi or of a record of CSV. A longer line is passed over, a longer record ends the planning."""


def content(store: Store, info: ObjectInfo) -> Iterator[bytes]:
    """All of it in order. Raises SpecError for a file that is damaged, or changes meanwhile."""
    try:
        with unchanged(info.key):
            yield from blocks(store, info.key, info.size, info.etag)
    except InflationError:
        raise SpecError(
            "a compressed file of input.uri is damaged or cut off: write it again, or move it away"
        ) from None


def smi_molecules(store: Store, info: ObjectInfo, source: MoleculesInput) -> Iterator[Molecule]:
    """A line each: SMILES, then white space and a name. Blank lines are none."""
    row = -1
    found = (line for line in lines(content(store, info), LONGEST_LINE) if line.data is None or line.data.strip())
    for number, line in enumerate(found):
        if source.header and number == 0:
            continue
        row += 1
        if line.data is None:
            yield Molecule(f"{info.key}#{row}", None, None, Status.TOO_LARGE, f"its line has {line.size} bytes")
            continue
        data = line.data.removeprefix(BOM_UTF8) if number == 0 else line.data
        smiles, _, name = data.strip().replace(b"\t", b" ").partition(b" ")
        text = as_text(name.strip())
        is_name = bool(text) and not has_no_text(text)
        yield Molecule(text if is_name else f"{info.key}#{row}", None, *check_smiles(smiles, source.max_chars))


def csv_molecules(store: Store, info: ObjectInfo, source: MoleculesInput) -> Iterator[Molecule]:
    """A record each (RFC 4180); blank lines are none. Raises SpecError for a header that lacks a column."""
    rows = _rows(content(store, info), delimiter_of(info.key, source.delimiter))
    header = next(rows, None)
    if header is None:
        return
    columns = {name: place for place, name in enumerate(header_names(header))}
    wanted = [source.smiles, *(name for name in (source.record_id, source.subject_id) if name), *source.carry]
    for name in wanted:
        if name not in columns:
            raise SpecError(
                f"a file of input.uri has no column {name!r}{nearest(name, columns) or ';'} input names it. "
                f"It has {in_short(columns)}"
            )
    for row, fields in enumerate(rows):
        yield _molecule(fields, columns, f"{info.key}#{row}", source)


def _rows(stored: Iterator[bytes], delimiter: str) -> Iterator[list[str | None]]:
    for _, fields in fields_of_each(_texts(stored, delimiter), delimiter):
        if fields is None:
            raise SpecError("a file of input.uri is not CSV that can be read: fix it, or name input.delimiter")
        yield fields


def _texts(stored: Iterator[bytes], delimiter: str) -> Iterator[str]:
    for record in csv_records(stored, delimiter.encode(), LONGEST_LINE):
        if record.data is None:
            raise SpecError(
                f"a record of a CSV file of input.uri has more than {LONGEST_LINE >> 20} MiB: a quote may never be "
                "closed, or input.delimiter be wrong"
            )
        data = record.data if record.start else record.data.removeprefix(BOM_UTF8)
        if data.strip(b"\r\n"):
            yield as_text(data)


def _molecule(
    fields: Sequence[str | None], columns: Mapping[str, int], number: str, source: MoleculesInput
) -> Molecule:
    if len(fields) != len(columns):
        nothing = (None,) * len(source.carry)
        return Molecule(number, None, None, Status.UNREADABLE, "it has not as many fields as the header", nothing)
    record_id = fields[columns[source.record_id]] if source.record_id else number
    subject_id = replaced(fields[columns[source.subject_id]]) if source.subject_id else None
    return Molecule(
        number if record_id is not None and has_no_text(record_id) else record_id or None,
        subject_id or None,
        *check_smiles(fields[columns[source.smiles]], source.max_chars),
        tuple(replaced(fields[columns[name]]) for name in source.carry),
    )
