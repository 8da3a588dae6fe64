"""Which of several rows with one primary key counts: the last in the order of the source, for each person."""

from typing import Any

import polars as pl

from workers.ehr.convert_omop.rules import Table
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.convert_omop.values import text, whole

SEEN: dict[str, Any] = {
    "subject": pl.Int64,
    "kind": pl.String,
    "person": pl.Int64,
    "digest": pl.UInt64,
    "file": pl.Int32,
    "position": pl.Int64,
    "number": pl.Int32,
}
"""A row by its key (`subject`, as other parts of a conversion call what they sort by), its table, its person, a
digest of the columns that rules name, and where it lies."""

REPEATED, OLDER = "repeated: the same row again", "repeated: a later row with its key counts"
SHARED = "its key is that of another person's row, too"
"""The last is said of rows that count: keys of two sources may have been put together."""


def seen_rows(rows: Rows, file: int, kind: str, rule: Table) -> pl.DataFrame:
    """The rows of a table that have a key, as `SEEN`."""
    key = rule.key
    if key is None or key not in rows.frame.columns or rule.subject not in rows.frame.columns:
        return pl.DataFrame(schema=SEEN)
    frame = pl.DataFrame(
        {
            "subject": whole(rows.frame[key]),
            "person": whole(rows.frame[rule.subject]),
            "digest": _digests(rows.frame, sorted(rule.columns())),
            "broken": rows.broken,
        }
    )
    placed = frame.with_columns(
        kind=pl.lit(kind),
        file=pl.lit(file, pl.Int32),
        position=pl.int_range(rows.first, rows.first + pl.len(), dtype=pl.Int64),
        number=pl.lit(0, pl.Int32),
    )
    return placed.filter(pl.col("subject").is_not_null() & pl.col("broken").is_null()).select(*SEEN)


def _digests(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    """Digests of what rows say: a column without values is as good as one that a file lacks."""
    nothing = pl.Series([None] * frame.height, dtype=pl.String)
    return pl.DataFrame([(text(frame[n]) if n in frame.columns else nothing).alias(n) for n in names]).hash_rows()


def superseded(seen: pl.DataFrame) -> pl.DataFrame:
    """Rows that do not count, and those whose key two persons share (which do), with the reason."""
    several = seen.filter(pl.len().over("kind", "subject") > 1)
    own = ("kind", "subject", "person")
    ordered = several.sort(*own, "file", "position").with_columns(
        is_last=pl.int_range(pl.len()).over(own) == pl.len().over(own) - 1,
        newest=pl.col("digest").last().over(own),
        persons=pl.col("person").n_unique().over("kind", "subject"),
    )
    same = pl.when(pl.col("digest") == pl.col("newest")).then(pl.lit(REPEATED)).otherwise(pl.lit(OLDER))
    reason = pl.when("is_last").then(pl.lit(SHARED)).otherwise(same)
    found = ordered.filter(~pl.col("is_last") | (pl.col("persons") > 1))
    return found.select("file", "position", "number", reason=reason).sort("file", "position", "number")
