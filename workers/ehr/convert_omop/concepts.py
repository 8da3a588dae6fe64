"""The concept table: from ids to VOCABULARY/CODE."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from cluster.storage import ObjectChanged, ObjectMissing, Store
from schemas.errors import RefusedError, SpecError
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.tables import table_rows
from workers.ehr.convert_omop.values import text, whole
from workers.ehr.meds.chunks import Chunk

_COLUMNS = ("concept_id", "vocabulary_id", "concept_code", "concept_name")


@dataclass(frozen=True)
class Looked:
    """What some ids mean, in their order: `VOCABULARY/CODE`, the code alone, the concept's name."""

    name: pl.Series
    code: pl.Series
    said: pl.Series


class Concepts:
    """All concepts in memory: about 100 bytes each, so 600 MB for the whole vocabulary of OHDSI."""

    def __init__(self, table: pl.DataFrame) -> None:
        self._table = table.select(
            "concept_id",
            pl.concat_str("vocabulary_id", "concept_code", separator="/").alias("name"),
            pl.col("concept_code").alias("code"),
            pl.col("concept_name").alias("said"),
        )

    def look_up(self, ids: pl.Series) -> Looked:
        """The code of each id, CONCEPT/<id> where the table lacks it. Null and 0 ('no matching concept') are null."""
        known = pl.DataFrame({"concept_id": ids.set((ids == 0).fill_null(False), None)})
        joined = known.join(self._table, "concept_id", "left", maintain_order="left")
        number = pl.col("concept_id").cast(pl.String)
        filled = joined.with_columns(pl.col("name").fill_null("CONCEPT/" + number), pl.col("code").fill_null(number))
        return Looked(filled["name"], filled["code"], filled["said"])


def load_concepts(store: Store, files: Iterable[tuple[Chunk, int]], source: OmopInput) -> Concepts:
    """The concept table from its files, each with its size.

    Raises SpecError where one cannot be read, RefusedError where one is not what was planned.
    """
    try:
        return _load(store, files, source)
    except (ObjectMissing, ObjectChanged):
        raise RefusedError(
            "the concept table is not the one that the run was planned with: restore it, or choose another output.uri"
        ) from None


def _load(store: Store, files: Iterable[tuple[Chunk, int]], source: OmopInput) -> Concepts:
    frames = [pl.DataFrame(schema={name: pl.Int64 if name == _COLUMNS[0] else pl.String for name in _COLUMNS})]
    for chunk, size in files:
        for rows in table_rows(store, chunk, size, _COLUMNS, source):
            if rows.broken.null_count() < len(rows.broken) or set(_COLUMNS) - set(rows.frame.columns):
                raise SpecError(
                    f"the concept table cannot be read from row {rows.first + 1} of one of its files on, or lacks one "
                    f"of the columns {', '.join(_COLUMNS)}: write it again, or leave it out"
                )
            columns = [whole(rows.frame[_COLUMNS[0]]), *(text(rows.frame[name]) for name in _COLUMNS[1:])]
            frames.append(pl.DataFrame(columns))
    table = pl.concat(frames)
    if table["concept_id"].is_duplicated().any():
        raise SpecError("the concept table has a concept_id twice: remove one of the two")
    return Concepts(table)
