"""A conversion to the genotype table as a job sees it: its stages, and how each is planned."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from pydantic import BaseModel

from schemas.errors import VerificationError
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.conversion.layout import ACCOUNT, READ
from workers.conversion.plans import Conversion, account_plan, by_file, file_records, read_plan, whole_plan
from workers.finished_runs.stage import FinishedStage
from workers.genomics.contract import SAMPLE_SCHEMA
from workers.genomics.table import read_stage, variants_stage
from workers.genomics.table.account import OUTCOME_COLUMNS
from workers.genomics.table.layout import TABLE, VARIANT_STAGE
from workers.genomics.table.records import Chunk

CHUNK_FIELDS = (
    pa.field("kind", pa.string(), nullable=False),
    pa.field("file", pa.int32(), nullable=False),
    pa.field("file_size", pa.int64(), nullable=False),
    pa.field("start", pa.int64(), nullable=False),
    pa.field("stop", pa.int64(), nullable=False),
    pa.field("first", pa.int64(), nullable=False),
)


class TableConversion(Conversion):
    """Implements `workers.collection.Collection` for every format.

    `root` is the uri under which the keys of chunks lie. `chunks` lists the input and cuts it. `state` is plain JSON
    that the driver found in the input and workers go by, such as `samples_digest`.
    """

    stages = (READ, VARIANT_STAGE, ACCOUNT)

    def __init__(
        self,
        source: BaseModel,
        root: str,
        chunks: Callable[[], Iterable[Chunk]],
        state: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.source = source
        self._root = root
        self._chunks = chunks
        self._state = state

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of one stage, from the source's chunks or from what the stages before found."""
        if stage == READ:
            chunks = lambda: map(vars, self._chunks())  # noqa: E731
            return read_plan(self._root, CHUNK_FIELDS, chunks, read_stage.COLUMNS, self._state())
        state = {"after": finished[-1].run.fingerprint}
        if stage == VARIANT_STAGE:
            return whole_plan(VARIANT_STAGE, "table", TABLE, variants_stage.COLUMNS, state)
        return account_plan(lambda: account_batches(*finished), OUTCOME_COLUMNS, state)


def samples_digest(samples: pl.DataFrame) -> str:
    """Says whether two lists of samples are the same."""
    rows = samples.select(*SAMPLE_SCHEMA).write_csv(separator="\t", include_header=False, quote_style="always")
    return hashlib.sha256(rows.encode()).hexdigest()


def account_batches(read: FinishedStage, table: FinishedStage) -> Iterator[pa.RecordBatch]:
    """Every record of the input in its order: `<file>#<number in the file>`, and where its outcome lies.

    Raises VerificationError where the table does not hold the variants that were read.
    """
    (written,) = table.all_rows(["n_variants"])["n_variants"].to_pylist()
    rows = read.all_rows(["record_id", "file", "outcome_rows", "outcome_keys", "parts"]).to_pylist()
    if written != sum(part["rows"] for row in rows for part in row["parts"]):
        raise VerificationError("the table does not hold the variants that were read: the run is damaged")
    for chunks in by_file(rows):
        yield from file_records(chunks, "outcome_rows")
