"""Which of several records of one resource counts: the newest, and none where it was deleted last."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from workers.ehr.convert_fhir.coding import Definitions, Vocabulary, finder_of, name_of
from workers.ehr.convert_fhir.places import Place, find, steps_of
from workers.ehr.convert_fhir.times import parse_time
from workers.ehr.fhir.bundles import Record, identity_of, records_of
from workers.ehr.fhir.line import Line

SEEN: dict[str, Any] = {
    "subject": pl.String,
    "updated": pl.Int64,
    "version": pl.Int64,
    "is_deleted": pl.Boolean,
    "file": pl.Int32,
    "position": pl.Int64,
    "number": pl.Int32,
}
"""A record by its `Type/id` (`subject`, as other parts of a conversion call the key by which they are sorted)."""

REPEATED, OLDER, GONE = "repeated: the same version again", "repeated: a newer version counts", "deleted since"
_MINUTE = 60_000_000


Scanned = tuple[pl.DataFrame, list[dict[str, Any]]]
"""Every record that has an id, and `reference`, `code`, `description` of what others refer to for its code."""


def scanned(lines: Iterable[Line], file: int, defines: Mapping[str, str], vocabulary: Vocabulary) -> Scanned:
    """What a whole export has to know of some lines before any of it is converted."""
    rows: list[tuple[Any, ...]] = []
    defined: list[dict[str, Any]] = []
    for record in (record for line in lines for record in records_of(line)):
        key, path = identity_of(record), defines.get(record.kind or "")
        if key is None:
            continue
        rows.append(_row(record, key, file))
        if path is not None and record.resource is not None:
            defined += _defined(key, record.resource, path, vocabulary)
    return pl.DataFrame(rows, schema=SEEN, orient="row"), defined


def _defined(key: str, resource: Mapping[str, Any], path: str, vocabulary: Vocabulary) -> Iterator[dict[str, Any]]:
    whole = Place(resource, ())
    place = find(whole, steps_of(path))
    named = name_of(place, finder_of(whole, whole, {}), vocabulary) if place is not None else None
    if named is not None:
        yield {"reference": key, "code": named.name, "description": named.said}


def _row(record: Record, key: str, file: int) -> tuple[Any, ...]:
    meta = record.resource.get("meta") if record.resource is not None else {"lastUpdated": record.updated}
    said = meta if type(meta) is dict else {}
    version = said.get("versionId")
    number = int(version) if type(version) is str and version.isdecimal() and len(version) < 18 else None
    is_deleted = record.resource is None
    return key, _moment(said.get("lastUpdated")), number, is_deleted, file, record.position, record.number


def _moment(said: object) -> int | None:
    """Microseconds in UTC."""
    found = parse_time(said) if type(said) is str else None
    return None if found is None else found.wall - (found.offset or 0) * _MINUTE


def superseded(seen: pl.DataFrame) -> pl.DataFrame:
    """Records of which another one counts, and why: by `lastUpdated` where all of a resource have it, else by
    `versionId`, else the last one in the order of the source."""
    ordered = ("when", "version", "file", "position", "number")
    dated = seen.with_columns(when=pl.when(pl.col("updated").is_not_null().all().over("subject")).then("updated"))
    ranked = dated.sort(*ordered, nulls_last=False).with_columns(
        last=pl.int_range(pl.len()).over("subject") == pl.len().over("subject") - 1,
        gone=pl.col("is_deleted").last().over("subject"),
        newest_when=pl.col("when").last().over("subject"),
        newest_version=pl.col("version").last().over("subject"),
    )
    said_same = pl.col("when").eq_missing(pl.col("newest_when")) & pl.col("version").eq_missing(
        pl.col("newest_version")
    )
    reason = pl.when("gone").then(pl.lit(GONE)).when(said_same).then(pl.lit(REPEATED)).otherwise(pl.lit(OLDER))
    losing = ranked.filter(~pl.col("last") & ~pl.col("is_deleted"))
    return losing.select("file", "position", "number", reason=reason).sort("file", "position", "number")


def definitions(rows: Iterable[Mapping[str, Any]]) -> Definitions:
    """What `defined_in` gave, the last of several first."""
    return {row["reference"]: (row["code"], row["description"]) for row in rows}
