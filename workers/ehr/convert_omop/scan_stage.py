"""Stage `scan` of OMOP: which rows there are, by their primary keys."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from cluster.storage import Store
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.tables import table_rows
from workers.ehr.convert_omop.versions import seen_rows
from workers.ehr.meds.chunks import Chunk
from workers.ehr.meds.scan_stage import ScanStage, scan_columns
from workers.pipeline.context import StageContext

COLUMNS = scan_columns()


class RowScan(ScanStage):
    """Rows by table and key."""

    def __init__(self, context: StageContext, store: Store, source: OmopInput, rules: OmopRules) -> None:
        super().__init__(context)
        self._store = store
        self._source = source
        self._rules = rules

    def seen(self, chunk: Chunk, size: int) -> Iterator[tuple[pl.DataFrame, Sequence[Any]]]:
        """Rows with a key, some at a time; a table without rules is not read."""
        rule = self._rules.tables.get(chunk.kind or "")
        if rule is None or chunk.kind is None:
            return
        for rows in table_rows(self._store, chunk, size, rule.columns(), self._source):
            yield seen_rows(rows, chunk.file, chunk.kind, rule), ()
