"""Open some planned records and say what they are: the check before a run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import IO, Any, cast

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import RecordError
from schemas.status import Status
from workers.images.fetching import ColumnFetcher, Fetched, ObjectFetcher, Wanted, rows_of
from workers.images.planning import ImageRecords, roots_of
from workers.images.preflight import Preflight, check_attributes, preflight
from workers.images.settings import ImagesInput

_THREADS = 16
_AT_ONCE = 32


def look(tables: Iterable[pa.Table], records: ImageRecords) -> Preflight:
    """Read the headers of these planned records, several at a time.

    Raises SpecError where the spec carries an attribute that DICOM does not know, InfrastructureError where storage
    fails.
    """
    source = records.source
    if source.format == "dicom":
        check_attributes(records.header_carry)
    opener = _opener(records, source, records.storage)
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = [
            part
            for table in tables
            for part in pool.map(partial(_look_at, opener=opener, source=source), _parts(rows_of(table)))
        ]
    return _sum(parts)


def _parts(rows: Sequence[Mapping[str, Any]]) -> list[Sequence[Mapping[str, Any]]]:
    return [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]


def _look_at(rows: Sequence[Mapping[str, Any]], opener: Any, source: ImagesInput) -> Preflight:
    return preflight([partial(opener, row) for row in rows], source)


def _opener(records: ImageRecords, source: ImagesInput, storage: StorageSettings) -> Any:
    if source.bytes_column is not None:
        column = ColumnFetcher(roots_of(source, storage)[0], storage, source.bytes_column)
        return partial(_from_column, column)
    confine = records.kind == "table"
    objects = ObjectFetcher(roots_of(source, storage), storage, source.max_bytes, 1, confine, source.max_inflated)
    return partial(_from_object, objects)


def _from_object(fetcher: ObjectFetcher, row: Mapping[str, Any]) -> IO[bytes]:
    found = fetcher.open(Wanted(row["uri"], etag=row["etag"]))
    if isinstance(found, Fetched):
        raise RecordError(found.status or Status.MISSING, found.detail)
    return cast(IO[bytes], found)


def _from_column(fetcher: ColumnFetcher, row: Mapping[str, Any]) -> IO[bytes]:
    (found,) = fetcher.fetch([Wanted(row["uri"], row["member"])])
    if found.status is not None:
        raise RecordError(found.status, found.detail)
    return BytesIO(found.data)


def _sum(parts: Sequence[Preflight]) -> Preflight:
    def total(name: str) -> dict[Any, int]:
        counts: Counter[Any] = Counter()
        for part in parts:
            counts.update(getattr(part, name))
        return dict(counts.most_common())

    return Preflight(
        read=sum(part.read for part in parts),
        formats=total("formats"),
        transfer_syntaxes=total("transfer_syntaxes"),
        undecodable={name: remedy for part in parts for name, remedy in part.undecodable.items()},
        refused=total("refused"),
        others=total("others"),
    )
