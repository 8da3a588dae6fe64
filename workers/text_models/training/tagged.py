"""Stage `prepare` of texts with labelled spans: the tags of their tokens beside what a model of theirs is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.outputs import OutputField
from schemas.status import Status
from workers.pipeline.columns import ModelColumns
from workers.pipeline.holding import HeldScoring, Unit, one_a_record
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.statistics.spans import Span
from workers.text_models.tokenized import TokenizedText
from workers.text_models.training.shown import SHOWN as TEXT
from workers.text_models.training.shown import HeldTexts, Ragged, TokenRows
from workers.text_models.training.spans import Tagged, tagged
from workers.training.held import HeldExamples
from workers.training.job.columns import PREPARE, SPANS

SHOWN = (
    *TEXT,
    OutputField(name="starts", type="list<int32>", meaning="for each window its first token, counted in the text"),
    OutputField(name="tags", type="list<int32>", meaning="for each token of the text the label of the head"),
    OutputField(
        name=SPANS,
        type="list<struct<start: int32, end: int32, label: string>>",
        meaning="what was labelled, by characters (end exclusive)",
    ),
    OutputField(name="lost", type="int32", meaning="spans that have no token of the windows"),
    OutputField(name="moved", type="int32", meaning="spans that begin or end within a token"),
)
"""What a training keeps of each text."""

_OUTSIDE = "a span of its labels ends behind the text: they are of another one"


@dataclass(frozen=True)
class TaggedText:
    """A text, its spans, and the tags of its tokens."""

    text: TokenizedText
    spans: Sequence[Span]
    found: Tagged


class TagRows:
    """Implements `workers.contract.Scorer`: a row a text."""

    outputs: tuple[OutputField, ...] = SHOWN

    def score(self, values: Sequence[TaggedText]) -> Mapping[str, Any]:
        """The columns of `SHOWN`."""
        return {
            **TokenRows().score([one.text for one in values]),
            "starts": [list(one.text.starts) for one in values],
            "tags": [one.found.tags for one in values],
            SPANS: [
                [{"start": start, "end": end, "label": label} for start, end, label in one.spans] for one in values
            ],
            "lost": np.array([one.found.lost for one in values], np.int32),
            "moved": np.array([one.found.moved for one in values], np.int32),
        }


class TagScoring(HeldScoring):
    """Puts the spans of each record to its tokens. `text` is the column of its text as it was read, in characters that
    cleaning keeps; a record with a span behind its end is `out_of_contract`: its labels are of another text."""

    def __init__(self, spans: Mapping[str, Sequence[Span]], labels: Mapping[str, int], text: str) -> None:
        super().__init__({PREPARE: TagRows()}, "cpu", self._tagged)
        self._spans, self._labels, self._text = spans, labels, text
        self._ids: Sequence[str] = ()

    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        self._ids = rows.records["record_id"].to_pylist()
        return super()._begin(rows)

    def _tagged(self, records: Sequence[Prepared], place: int, columns: ModelColumns) -> Iterator[Unit]:
        lengths = {record.row: len(record.columns[self._text]) for record in records}
        for unit in one_a_record(records, place, columns):
            (row,) = unit.rows
            spans = self._spans.get(self._ids[row], ())
            if spans and spans[-1][1] > lengths[row]:
                columns.reject(row, Status.OUT_OF_CONTRACT, _OUTSIDE)
                continue
            found = tagged(spans, unit.value.offsets, self._labels)
            yield Unit(unit.rows, TaggedText(unit.value, spans, found), unit.nbytes + found.tags.nbytes + 100)


class HeldTags(HeldTexts):
    """Tokens of many texts, and their tags."""

    def __init__(self, rows: pa.Table) -> None:
        super().__init__(rows)
        self._starts, self._tags = Ragged.of(rows["starts"]), Ragged.of(rows["tags"])
        self.spans: NDArray[np.int64] = rows[SPANS].combine_chunks().value_lengths().to_numpy().astype(np.int64)
        self.lost: NDArray[np.int32] = rows["lost"].to_numpy()
        self.moved: NDArray[np.int32] = rows["moved"].to_numpy()

    def starts(self, text: int) -> Sequence[int]:
        """For each window of a text its first token."""
        found: list[int] = self._starts.take(text).tolist()
        return found

    def tags(self, text: int) -> NDArray[np.int32]:
        """For each token of a text the label of the head."""
        return self._tags.take(text)

    @property
    def tag_counts(self) -> NDArray[np.int64]:
        """(texts,) tokens of each."""
        return np.diff(self._tags.offsets)


class TaggedExamples(HeldExamples[HeldTags]):
    """Implements `workers.training.recipe.CountsLabels`."""

    @property
    def label_counts(self) -> NDArray[np.int64]:
        """Tokens of each text."""
        return self.by.tag_counts
