"""Which files the tables lie in, and how they are cut."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from cluster.storage import ObjectInfo, StorageSettings, Store, open_store
from schemas.errors import SpecError
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.meds.chunks import InputFile
from workers.reading.listing import listed, nothing_fits
from workers.reading.parquet import while_planning
from workers.reading.parquet_bounds import parquet_file

CONCEPT = "concept"
_ENDS = (".parquet", ".csv", ".csv.gz")
_READS = 16


def root_of(source: OmopInput, storage: StorageSettings) -> Store:
    """Where the keys of the files lie."""
    return open_store(source.uri, storage)


def table_files(source: OmopInput, storage: StorageSettings, reference: Collection[str]) -> list[InputFile]:
    """The files of every table by key, those of `concept` first. Raises SpecError where there is no table of persons.

    Reference tables other than `concept` are left out.
    """
    store = root_of(source, storage)
    tables = listed(store, endings=_ENDS)
    wanted = [info for info in tables if table_of(info.key) == CONCEPT or table_of(info.key) not in reference]
    if not any(table_of(info.key) != CONCEPT for info in wanted):
        raise nothing_fits(store, "no table: it needs files like person.parquet, person.csv or person/part-0.csv.gz")
    wanted.sort(key=lambda info: table_of(info.key) != CONCEPT)
    with ThreadPoolExecutor(_READS) as pool:
        return list(pool.map(lambda info: _cut(store, info, source.chunk_bytes), wanted))


def table_of(key: str) -> str:
    """The table that a file belongs to: its folder under the root, else its own name."""
    return key.split("/")[0].partition(".")[0].lower()


def _cut(store: Store, info: ObjectInfo, chunk_bytes: int) -> InputFile:
    table = table_of(info.key)
    if info.key.lower().endswith(".parquet") and table != CONCEPT:
        sizes = _row_groups(store, info.key)
        if sizes:
            cuts = _grouped([size for size, _ in sizes], chunk_bytes)
            stored = tuple(sum(size for _, size in sizes[start:stop]) for start, stop in pairwise(cuts))
            return InputFile(info.key, info.etag, table, cuts, stored)
    # CSV may have line ends inside quotes: only its start is known to be the start of a row.
    return InputFile(info.key, info.etag, table, (0, max(1, info.size)), (info.size,))


def _row_groups(store: Store, key: str) -> list[tuple[int, int]]:
    """Bytes of each row group, as encoded and as compressed. None where it is no Parquet file: its reader says so."""
    try:
        with while_planning(file=repr(key)):
            footer = parquet_file(store.open_reader(key)).metadata
    except SpecError:
        return []
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    return [
        (group.total_byte_size, sum(group.column(n).total_compressed_size for n in range(group.num_columns)))
        for group in groups
    ]


def _grouped(sizes: list[int], most: int) -> tuple[int, ...]:
    """Cuts between row groups, so that each chunk has at most `most` bytes, or one row group."""
    cuts, held = [0], 0
    for number, size in enumerate(sizes):
        if held and held + size > most:
            cuts.append(number)
            held = 0
        held += size
    return (*cuts, len(sizes))
