"""The rows of one outcome, added up shard by shard: exact while they are few, in bins of scores once they are many."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.evaluation.columns import SUBJECT
from workers.statistics.ranks import Floats, Ranks, rank
from workers.statistics.sketch import ScoreSketch


@dataclass
class Tally:
    """Scores and truths of one binary outcome in one group of rows.

    Up to `exact_rows` rows are kept as they are, with their subjects; then they go into a sketch, and what needs single
    rows is not told any more.
    """

    exact_rows: int
    kept: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0
    sketch: ScoreSketch | None = None

    def add(self, part: pl.DataFrame) -> None:
        """Rows with `score`, `truth`, which is 1 or 0, and `subject`."""
        self.rows += part.height
        if self.sketch is not None:
            self._count(self.sketch, part)
            return
        self.kept.append(part)
        if self.rows > self.exact_rows:
            self.sketch = ScoreSketch()
            for one in self.kept:
                self._count(self.sketch, one)
            self.kept = []

    @staticmethod
    def _count(sketch: ScoreSketch, rows: pl.DataFrame) -> None:
        sketch.add(rows["score"].to_numpy(), rows["truth"].cast(pl.Int64).to_numpy())

    @property
    def is_exact(self) -> bool:
        """Whether the rows are there one by one."""
        return self.sketch is None

    def ranks(self) -> Ranks:
        """The ranks of all rows that were added."""
        if self.sketch is not None:
            return self.sketch.ranks()
        found = self.table()
        return rank(found.scores, found.truths.astype(np.int64))

    def table(self) -> "Table":
        """The rows one by one, of an exact tally."""
        empty = pl.DataFrame(schema={"score": pl.Float64, "truth": pl.Float64, SUBJECT: pl.String})
        rows = pl.concat([empty, *self.kept])
        return Table(rows["score"].to_numpy(), rows["truth"].to_numpy(), numbered(rows[SUBJECT]))


@dataclass(frozen=True)
class Table:
    """Rows one by one; `subjects` are numbers from 0 on, a row without a subject is a subject of its own."""

    scores: Floats
    truths: Floats
    subjects: NDArray[np.int64]

    @property
    def subjects_repeat(self) -> bool:
        """Whether some subject has more than one row."""
        return len(self.subjects) > 0 and int(self.subjects.max()) + 1 < len(self.subjects)


def numbered(subjects: pl.Series) -> NDArray[np.int64]:
    """Subjects as numbers from 0 on; a row without a subject is a subject of its own."""
    if subjects.is_empty():
        return np.zeros(0, np.int64)
    own = pl.Series("own", np.arange(len(subjects)), pl.Int64)
    rows = pl.DataFrame({"subject": subjects, "own": pl.select(pl.when(subjects.is_null()).then(own)).to_series()})
    return rows.select(pl.struct("subject", "own").rank("dense")).to_series().cast(pl.Int64).to_numpy() - 1
