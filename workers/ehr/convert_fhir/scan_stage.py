"""Stage `scan` of FHIR: which resources there are, in which versions, and the codes that others refer to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from workers.ehr.convert_fhir.coding import Vocabulary
from workers.ehr.convert_fhir.export import ExportLines
from workers.ehr.convert_fhir.versions import scanned
from workers.ehr.meds.chunks import Chunk
from workers.ehr.meds.scan_stage import ScanStage, scan_columns
from workers.pipeline.context import StageContext

COLUMNS = scan_columns(
    ("defined", "list<struct<reference: string, code: string, description: string>>", "codes that others refer to")
)


class ResourceScan(ScanStage):
    """Resources by `Type/id`."""

    def __init__(
        self, context: StageContext, lines: ExportLines, defines: Mapping[str, str], vocabulary: Vocabulary
    ) -> None:
        super().__init__(context)
        self._lines = lines
        self._defines = defines
        self._vocabulary = vocabulary

    def seen(self, chunk: Chunk, size: int) -> Iterator[tuple[pl.DataFrame, Sequence[Any]]]:
        """Resources with an id in some lines at a time, and the codes in them."""
        for lines in self._lines.parts(chunk, size):
            yield scanned(lines, chunk.file, self._defines, self._vocabulary)

    def more(self, known: Sequence[Any]) -> Mapping[str, Any]:
        """The codes."""
        return {"defined": [list(known)]}
