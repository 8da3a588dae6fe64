"""Which of several records of one resource counts: the newest, and none where it was deleted last."""

from typing import Any

import polars as pl

from workers.ehr.fhir.bundles import Record
from workers.ehr.fhir.times import parse_time

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


def seen_row(record: Record, key: str, file: int) -> tuple[Any, ...]:
    """A row of `SEEN`."""
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
    `versionId`, else the last one in the order of the source, which is all that tells of a deletion without a time."""
    ordered = ("when", "rank", "file", "position", "number")
    dated = seen.with_columns(when=pl.when(pl.col("updated").is_not_null().all().over("subject")).then("updated"))
    undated = (pl.col("is_deleted") & pl.col("when").is_null()).any().over("subject")
    numbered = dated.with_columns(rank=pl.when(~undated).then("version"))
    ranked = numbered.sort(*ordered, nulls_last=False).with_columns(
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
