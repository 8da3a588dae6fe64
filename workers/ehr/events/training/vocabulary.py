"""`codes.parquet` of a model from the histories that it is trained on, and from no others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.errors import SpecError
from workers.ehr.events.contract import Histories
from workers.ehr.events.formats.times import Integers
from workers.ehr.events.formats.vocabulary import Vocabulary
from workers.ehr.events.training.histories import HeldHistories
from workers.ehr.events.training.settings import VocabularySettings
from workers.training.held import Held, together

_AT_ONCE = 100_000
"""Subjects whose events are counted at a time."""


@dataclass(frozen=True)
class FittedVocabulary:
    """`table` is `codes.parquet`; `rare` is how many codes of the training subjects are not in it."""

    table: pa.Table
    rare: int

    @property
    def num_codes(self) -> int:
        """Rows of an embedding: the unknown code is one."""
        return Vocabulary(self.table).size


def fit_vocabulary(examples: Sequence[Held[HeldHistories]], settings: VocabularySettings) -> FittedVocabulary:
    """Codes by how many of the subjects have them; means and standard deviations of their values.

    Of a subject's records the latest counts: its history holds those of the others, whose events are not counted twice.
    Codes of equally many subjects are in the order of their names. Raises SpecError where no code is left.
    """
    held, records = together(examples)
    records = _latest(records, held)
    frames = [_by_code(held.take(some)) for some in np.array_split(records, -(-len(records) // _AT_ONCE))]
    every = pl.concat(frames).group_by("code").agg(pl.all().sum()).sort(["subjects", "code"], descending=[True, False])
    kept = every.filter(pl.col("subjects") >= settings.min_subjects).head(settings.max_codes or every.height)
    if not kept.height:
        raise SpecError(
            f"vocabulary.min_subjects: no code occurs in {settings.min_subjects} of the training subjects: lower it"
        )
    return FittedVocabulary(_table(kept), every.height - kept.height)


def _latest(records: Integers, held: HeldHistories) -> Integers:
    """One record a subject."""
    subject = held.subject[records]
    order = np.lexsort((held.histories.prediction_time[records], subject))
    last = np.append(np.diff(subject[order]) != 0, True)
    return np.sort(records[order[last]])


def _by_code(part: Histories) -> pl.DataFrame:
    """By code: how many of some subjects have it, and number, sum and sum of squares of its values."""
    size = len(part.code_names)
    code, value = part.code.astype(np.int64), part.value.astype(np.float64)
    pairs = np.unique(np.repeat(np.arange(len(part)), np.diff(part.offsets)) * size + code)
    valued = np.isfinite(value)
    subjects, code, value = np.bincount(pairs % size, minlength=size), code[valued], value[valued]
    columns = {
        "code": pl.Series(list(part.code_names), dtype=pl.String),
        "subjects": subjects,
        "values": np.bincount(code, minlength=size),
        "sum": np.bincount(code, value, size).astype(np.float64),
        "squares": np.bincount(code, value * value, size).astype(np.float64),
    }
    return pl.DataFrame(columns).filter(pl.col("subjects") > 0)


def _table(kept: pl.DataFrame) -> pa.Table:
    values = pl.col("values")
    mean = pl.col("sum") / values
    scaled = kept.with_columns(
        mean=pl.when(values > 0).then(mean),
        # Rounding may take a variance of nothing below 0.
        std=pl.when(values > 0).then((pl.col("squares") / values - mean * mean).clip(lower_bound=0).sqrt()),
    )
    return pa.table(
        {
            "code": pa.array(scaled["code"].to_list(), pa.string()),
            "code/vocab_index": pa.array(range(1, kept.height + 1), pa.uint32()),
            "code/n_subjects": pa.array(scaled["subjects"].to_list(), pa.int64()),
            "values/n_occurrences": pa.array(scaled["values"].to_list(), pa.int64()),
            "values/mean": pa.array(scaled["mean"].to_list(), pa.float64()),
            "values/std": pa.array(scaled["std"].to_list(), pa.float64()),
        }
    )
