"""The columns of some rows, each read once, and where each says anything."""

import polars as pl

from workers.ehr.convert_omop.concepts import Concepts, Looked
from workers.ehr.convert_omop.tables import Rows
from workers.ehr.convert_omop.values import said, text, whole

_NOT_TEXT = ("_id", "_date", "_datetime", "_number")
_CONCEPT = "_concept_id"


class Columns:
    """A column that the table lacks is null."""

    def __init__(self, rows: Rows, concepts: Concepts) -> None:
        self.height = len(rows.broken)
        self._frame = rows.frame
        self._others = rows.others
        self._concepts = concepts
        self._looked: dict[str, Looked] = {}
        self._there: dict[str, pl.Series] = {}

    def has(self, name: str) -> bool:
        """Whether the table has the column."""
        return name in self._frame.columns

    def typed(self, name: str) -> pl.Series:
        """A column of ids, numbers or times as the table has it, null where it says that there is none."""
        return said(self._raw(name))

    def words(self, name: str) -> pl.Series:
        """A column of texts."""
        return text(said(self._raw(name), is_text=True))

    def _raw(self, name: str) -> pl.Series:
        return self._frame[name] if self.has(name) else pl.Series(name, [None] * self.height, pl.Null)

    def looked(self, name: str) -> Looked:
        """A column of concept ids, looked up."""
        if name not in self._looked:
            self._looked[name] = self._concepts.look_up(whole(self.typed(name)))
        return self._looked[name]

    def names(self) -> list[str]:
        """Every column of the table, also those that no rule names."""
        return [*self._frame.columns, *self._others.columns]

    def there(self, name: str) -> pl.Series:
        """Where a column says anything: concept 0 says that there is none."""
        if name not in self._there:
            self._there[name] = self._says(name)
        return self._there[name]

    def _says(self, name: str) -> pl.Series:
        if name in self._others.columns:
            return self._others[name]
        if name.endswith(_CONCEPT):
            raw = self.typed(name)
            return raw.is_not_null() & (whole(raw) != 0).fill_null(True)
        if name.endswith(_NOT_TEXT):
            return self.typed(name).is_not_null()
        return said(self._raw(name), is_text=True).is_not_null() & ~_is_empty(self._raw(name))

    def nulls(self, kind: pl.DataType | type[pl.DataType]) -> pl.Series:
        """As many as there are rows."""
        return pl.Series([None] * self.height, dtype=kind)

    def mask(self, value: bool) -> pl.Series:
        """As many as there are rows."""
        return pl.Series([value] * self.height, dtype=pl.Boolean)


def _is_empty(column: pl.Series) -> pl.Series:
    if column.dtype != pl.String:
        return pl.Series([False] * len(column), dtype=pl.Boolean)
    return (column == "").fill_null(False)
