"""A dataset in MEDS: where its files lie, which version it is, and whether a file has the columns it must have."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectInfo, ObjectMissing, ObjectTooLarge, StorageSettings, Store, open_store
from schemas.errors import SpecError
from workers.reading.columns import is_text, value_type
from workers.reading.listing import nothing_fits
from workers.reading.parquet import damage_as
from workers.reading.parquet_bounds import BoundedParquet

TIME = pa.timestamp("us")
NOT_STATED = "not stated"
_DATA = "data/"
_ABOUT = "metadata/dataset.json"
_ABOUT_BYTES = 1 << 20
_READ_VERSIONS = ("0.3", "0.4")
_NESTED = "MEDS 0.1 nests events in one row a patient (patient_id, events)"


class MedsRoot:
    """The root of a dataset. Nothing is read before it is asked for."""

    def __init__(self, uri: str, storage: StorageSettings) -> None:
        self.store: Store = open_store(uri, storage)

    def version(self) -> str:
        """As `metadata/dataset.json` states it. Raises SpecError for one that is not read."""
        try:
            about = json.loads(self.store.get(_ABOUT, max_bytes=_ABOUT_BYTES))
        except ObjectMissing:
            return NOT_STATED
        except (ObjectTooLarge, ValueError, RecursionError):
            raise SpecError(f"{_ABOUT} of input.uri is not JSON of at most 1 MiB: correct or remove it") from None
        version = about.get("meds_version") if isinstance(about, dict) else None
        if version is None:
            return NOT_STATED
        if not str(version).startswith(_READ_VERSIONS):
            raise SpecError(
                f"{_ABOUT} of input.uri states MEDS {str(version)[:20]!r}; MEDS 0.3 and 0.4 are read: convert it"
            )
        return str(version)

    def data_files(self) -> list[ObjectInfo]:
        """Every data file, by key. Raises SpecError if there is none."""
        found = [info for info in self.store.list(_DATA) if info.key.endswith(".parquet")]
        if not found:
            raise nothing_fits(self.store, "no data/**/*.parquet: it has to be the root of a MEDS dataset")
        return found


def check_columns(schema: pa.Schema, name: str, version: str) -> None:
    """Raises SpecError if a data file is not as MEDS has it. `name` is the file's key under the root."""
    where = f"{name} (MEDS version {version})"
    if "patient_id" in schema.names or "events" in schema.names:
        raise SpecError(f"{where}: {_NESTED}; MEDS 0.3 and 0.4 are read: convert it")
    for column in ("subject_id", "time", "code"):
        if column not in schema.names:
            raise SpecError(f"{where} has no column {column!r}, which MEDS demands")
    check_subject_and_time(schema, "time", where)
    code = schema.field("code").type
    if not is_text(value_type(code)):
        raise SpecError(f"{where}: column 'code' is {code}, MEDS has string")
    if "numeric_value" in schema.names and schema.field("numeric_value").type != pa.float32():
        raise SpecError(f"{where}: column 'numeric_value' is {schema.field('numeric_value').type}, MEDS has float")


def check_subject_and_time(schema: pa.Schema, time: str, where: str) -> None:
    """Hold data files and label tables to int64, and timestamp[us] without a time zone. Raises SpecError."""
    subject, found = schema.field("subject_id").type, schema.field(time).type
    if subject != pa.int64():
        raise SpecError(f"{where}: column 'subject_id' is {subject}, MEDS has int64")
    if pa.types.is_timestamp(found) and found.tz is not None:
        raise SpecError(
            f"{where}: column {time!r} has the time zone {found.tz}; MEDS has none: write local or UTC times"
        )
    if found != TIME:
        raise SpecError(f"{where}: column {time!r} is {found}, MEDS has timestamp[us]")


class DamagedFile(Exception):
    """Arrow cannot read it."""


def open_parquet(store: Store, key: str, codes: bool = False) -> pq.ParquetFile:
    """The open file, its footer read. Raises ObjectMissing and DamagedFile. `codes`: read them as a dictionary."""
    reader = store.open_reader(key)
    with damage_as(DamagedFile()):
        return BoundedParquet(reader, read_dictionary=["code"] if codes else None, page_checksum_verification=True)
