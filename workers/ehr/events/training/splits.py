"""Prediction times with the split of each subject, where the dataset says it."""

import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import ObjectMissing, StorageSettings, sha256_of
from schemas.errors import SpecError
from schemas.wording import counted
from workers.ehr.events.index import SubjectIndex
from workers.ehr.events.meds import MedsRoot
from workers.ehr.events.task import WantedTimes
from workers.ehr.events.training.settings import SPLIT, EventsTraining
from workers.finished_runs.stage import FinishedStage
from workers.reading.parquet import while_planning

FILE = "metadata/subject_splits.parquet"
_FIELD = pa.field(SPLIT, pa.string())


class SplitTimes(WantedTimes):
    """As in predict, with a column `split`: null for a subject that the file lacks."""

    def __init__(self, source: EventsTraining, storage: StorageSettings) -> None:
        super().__init__(source, storage)
        self._root = MedsRoot(source.uri, storage)

    @cached_property
    def state(self) -> Mapping[str, Any]:
        """The file's digest too: what it says decides who is learned from."""
        return {**super().state, "subject_splits": sha256_of(self._body)}

    @cached_property
    def carry(self) -> tuple[pa.Field, ...]:
        """The carried columns, and the split."""
        return (*super().carry, _FIELD)

    def read(self, index: SubjectIndex, finished: Sequence[FinishedStage]) -> pa.Table:
        """Every subject and time with its split."""
        found = super().read(index, finished)
        by_subject = pl.DataFrame({"subject_id": pl.Series(found["subject_id"].to_numpy(), dtype=pl.Int64)})
        joined = by_subject.join(self._splits(), on="subject_id", how="left", maintain_order="left")
        return found.append_column(_FIELD, joined[SPLIT].to_arrow().cast(pa.string()))

    @cached_property
    def _body(self) -> bytes:
        try:
            return self._root.store.get(FILE)
        except ObjectMissing:
            raise SpecError(
                f"input.splits.column: {SPLIT} is neither carried nor among labels, and the dataset has no {FILE}: "
                "name another column, or give splits.shares"
            ) from None

    def _splits(self) -> pl.DataFrame:
        with while_planning(f"{FILE} of input.uri is no Parquet file, or damaged: write it again"):
            table = pl.read_parquet(io.BytesIO(self._body))
        absent = {"subject_id", SPLIT} - set(table.columns)
        if absent:
            raise SpecError(f"{FILE} of input.uri has no column {min(absent)!r}, which MEDS demands")
        found = table.select(pl.col("subject_id").cast(pl.Int64), pl.col(SPLIT).cast(pl.String)).unique()
        twice = found.height - found["subject_id"].n_unique()
        if twice:
            raise SpecError(f"{FILE} of input.uri: {counted(twice, 'subject')} in two splits: one subject has one")
        return found
