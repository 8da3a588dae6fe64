"""Scoring files as Parquet tables, given in the same pieces of text columns as text files are."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SpecError
from workers.genomics.scores.asked import NOTHING, Asked
from workers.genomics.scores.header import read_header
from workers.genomics.scores.layout import read_layout
from workers.genomics.scores.text import EXTRA, Top
from workers.reading.parquet import damage_as, guarded

_BATCH_CELLS = 8 << 20
_MAX_BYTES = 16 << 30
"""The most bytes of one file in memory, by its own footer."""


def is_parquet(path: Path) -> bool:
    """Whether the file is Parquet, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror})") from error


class ParquetTable:
    """One file, read once from its beginning. Key-value metadata of the file may say what a `#` header would."""

    def __init__(self, path: Path, asked: Asked = NOTHING) -> None:
        self._path = path
        with damage_as(SpecError(f"{path}: cannot be read as Parquet")):
            self._file = pq.ParquetFile(path)
        metadata = self._file.metadata
        if sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)) > _MAX_BYTES:
            raise SpecError(f"{path}: inflates to more than {_MAX_BYTES} bytes")
        written = self._file.schema_arrow.metadata or {}
        lines = [
            f"#{key.decode('utf-8', 'replace')}={value.decode('utf-8', 'replace')}" for key, value in written.items()
        ]
        names = self._file.schema_arrow.names
        self.top = Top(read_header(lines), read_layout(names, str(path), asked), b"\t")

    def pieces(self) -> Iterator[pl.DataFrame]:
        """As `workers.genomics.scores.text.TextTable.pieces`. Raises SpecError for a damaged file."""
        width = self.top.layout.width
        failure = SpecError(f"{self._path}: is damaged, or holds columns that are neither text nor numbers")
        for batch in guarded(
            self._file.iter_batches(max(1, _BATCH_CELLS // max(1, width)), use_threads=False), failure
        ):
            with damage_as(failure):
                texts = {str(i): _as_text(batch.column(i)) for i in range(width)}
            yield pl.DataFrame(texts).with_columns(pl.lit(False).alias(EXTRA))


def _as_text(column: pa.Array) -> pl.Series:
    """Numbers as the shortest text that gives them again."""
    if pa.types.is_floating(column.type):
        # float32 weights mean the decimal number they were written from no more than its float64 does.
        column = column.cast(pa.float64())
    made = pl.Series(pl.from_arrow(column.cast(pa.string())))
    return made.str.strip_chars(' "').replace("", None)
