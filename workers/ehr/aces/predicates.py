"""From events to the times of each subject and how often every predicate holds at each.

Codes are looked at once each, not once an event; a predicate costs one number per distinct time while it is made use
of, and none if only and() or or() use it.
"""

from collections.abc import Iterable
from functools import reduce
from typing import cast

import numpy as np
import polars as pl

from schemas.errors import SpecError
from workers.ehr.aces.bounds import SPECIAL
from workers.ehr.aces.config import CodePattern, Config, DerivedPredicate, PlainPredicate
from workers.ehr.aces.timeline import Bools, Ints, Timeline

_STATIC = np.iinfo(np.int64).min
"""Stands for the time of an event that has none; before all others."""


def columns_of(config: Config) -> tuple[str, ...]:
    """Columns of the events that the predicates look at."""
    plain = [predicate for predicate in config.predicates.values() if isinstance(predicate, PlainPredicate)]
    bounded = any(p.value_min is not None or p.value_max is not None for p in plain)
    more = {column for predicate in plain for column in predicate.other_cols}
    fixed = ("subject_id", "time", "code", *(("numeric_value",) if bounded else ()))
    return fixed + tuple(sorted(more - set(fixed)))


def timeline_of(events: pl.DataFrame, config: Config, used: Iterable[str], where: str) -> Timeline:
    """The times of those subjects that satisfy every static predicate, with counts of the `used` predicates.

    Raises SpecError where the events lack a column, or hold it in a type that a predicate cannot be compared with.
    """
    rows = _Rows(events, config, where)
    kept = rows.times != _STATIC
    for name in config.static:
        kept &= rows.of_subject((rows.count(name) > 0) & (rows.times == _STATIC))
    counts = {name: rows.count(name)[kept] for name in used if name not in SPECIAL}
    return Timeline(rows.subjects[kept], rows.times[kept], counts)


class _Rows:
    """Events in the order of subject and time, and the runs of equal subject and time in them.

    `subjects` and `times`, (runs,), are those of the runs.
    """

    def __init__(self, events: pl.DataFrame, config: Config, where: str) -> None:
        self._config = config
        self._where = where
        events = _checked(events, columns_of(config), where)
        subjects = events["subject_id"].to_numpy()
        times = events["time"].to_physical().fill_null(_STATIC).to_numpy()
        if not _is_sorted(subjects, times):
            order = np.lexsort((times, subjects))
            events, subjects, times = events[order], subjects[order], times[order]
        self._starts = _run_starts(subjects, times)
        self.subjects: Ints = subjects[self._starts]
        self.times: Ints = times[self._starts]
        self._events = events
        distinct = events["code"].drop_nulls().unique(maintain_order=True)
        self._codes = distinct
        self._found: dict[str, Bools] = {}
        # An event without a code gets the index after the last one, which no predicate hits.
        index = events["code"].cast(pl.Enum(distinct)).to_physical().cast(pl.UInt32)
        self._code = index.fill_null(len(distinct)).to_numpy()

    def count(self, name: str) -> Ints:
        """How often a predicate holds in each run."""
        predicate = self._config.predicates[name]
        if isinstance(predicate, DerivedPredicate):
            if name not in self._found:
                self._found[name] = self._derived(predicate)
            return self._found[name].astype(np.int64)
        return self._per_run(self._hits(name, predicate))

    def of_subject(self, flags: Bools) -> Bools:
        """For each run whether any run of its subject is flagged."""
        starts, lengths = self._subject_runs()
        return np.repeat(np.logical_or.reduceat(flags, starts), lengths) if len(starts) else flags

    def _subject_runs(self) -> tuple[Ints, Ints]:
        starts = np.flatnonzero(np.diff(self.subjects, prepend=self.subjects[:1] - 1))
        return starts, np.diff(starts, append=len(self.subjects))

    def _derived(self, predicate: DerivedPredicate) -> Bools:
        inputs = [(used, self._config.predicates[used]) for used in predicate.inputs]
        if predicate.is_and:
            return reduce(np.logical_and, (self._holds(used) for used, _ in inputs))
        # Events by code alone: one look at the events for all of them together.
        simple = [
            (used, plain)
            for used, plain in inputs
            if isinstance(plain, PlainPredicate) and plain.is_code_only and not plain.static
        ]
        known = {used for used, _ in simple}
        found = np.zeros(len(self.times), np.bool_)
        if simple:
            codes = reduce(np.logical_or, (self._code_hits(plain) for _, plain in simple))
            found |= self._per_run(codes[self._code]) > 0
        for used in predicate.inputs:
            if used not in known:
                found |= self._holds(used)
        return found

    def _holds(self, name: str) -> Bools:
        """As an input of and() or or(): what is static holds at all times of its subject."""
        predicate = self._config.predicates[name]
        found = self.count(name) > 0
        if isinstance(predicate, PlainPredicate) and predicate.static:
            return self.of_subject(found & (self.times == _STATIC))
        return found

    def _hits(self, name: str, predicate: PlainPredicate) -> Bools:
        """Which events are meant."""
        hits: Bools = self._code_hits(predicate)[self._code]
        is_bounded = predicate.value_min is not None or predicate.value_max is not None
        value = self._events["numeric_value"] if is_bounded else None
        if value is not None and predicate.value_min is not None:
            low = predicate.value_min
            hits &= _known(value >= low if predicate.value_min_inclusive else value > low)
        if value is not None and predicate.value_max is not None:
            high = predicate.value_max
            hits &= _known(value <= high if predicate.value_max_inclusive else value < high)
        for column, wanted in predicate.other_cols.items():
            hits &= self._equals(name, column, wanted)
        return hits

    def _equals(self, name: str, column: str, wanted: str | int | float | bool) -> Bools:
        series = self._events[column]
        if series.dtype in (pl.Categorical, pl.Enum):
            series = series.cast(pl.String)
        textual = series.dtype == pl.String
        if textual != isinstance(wanted, str) or (series.dtype == pl.Boolean) != isinstance(wanted, bool):
            raise SpecError(
                f"{self._where}: predicates.{name}: column {column!r} is of type {series.dtype} and cannot equal "
                f"a {type(wanted).__name__}"
            )
        return _known(series == wanted)

    def _code_hits(self, predicate: PlainPredicate) -> Bools:
        """Whether the predicate holds, by distinct code, and False for no code."""
        code = predicate.code
        if isinstance(code, str):
            found = self._codes == code
        elif code.any is not None:
            found = self._codes.is_in(list(code.any))
        else:
            found = self._codes.str.contains(code.regex or "")
        return np.append(found.to_numpy(), False)

    def _per_run(self, hits: Bools) -> Ints:
        if not len(self._starts):
            return np.zeros(0, np.int64)
        return cast(Ints, np.add.reduceat(hits, self._starts, dtype=np.int64))


def check_regexes(config: Config, where: str) -> None:
    """Raises SpecError for a regular expression that cannot be used."""
    for name, predicate in config.predicates.items():
        code = predicate.code if isinstance(predicate, PlainPredicate) else ""
        if isinstance(code, CodePattern) and code.regex is not None:
            try:
                pl.Series([""]).str.contains(code.regex)
            except pl.exceptions.ComputeError:
                raise SpecError(
                    f"{where}: predicates.{name}.code.regex is no regular expression of the Rust crate regex, "
                    "which has no look-around and no back-references"
                ) from None


def _checked(events: pl.DataFrame, columns: tuple[str, ...], where: str) -> pl.DataFrame:
    for column in columns:
        if column not in events.columns:
            raise SpecError(
                f"{where}: a predicate asks for column {column!r}, which the events do not have; "
                "if it is meant as a setting of the predicate, correct its name"
            )
    return events.select(
        pl.col("subject_id").cast(pl.Int64),
        pl.col("time").cast(pl.Datetime("us")),
        pl.col("code").cast(pl.String),
        *(column for column in columns if column not in ("subject_id", "time", "code")),
    ).filter(pl.col("subject_id").is_not_null())


def _known(flags: pl.Series) -> Bools:
    return cast(Bools, flags.fill_null(False).to_numpy())


def _is_sorted(subjects: Ints, times: Ints) -> bool:
    step = np.diff(subjects)
    return bool((step >= 0).all() and (np.diff(times)[step == 0] >= 0).all())


def _run_starts(subjects: Ints, times: Ints) -> Ints:
    if not len(subjects):
        return np.zeros(0, np.int64)
    changes = (np.diff(subjects) != 0) | (times[1:] != times[:-1])
    return np.concatenate([[0], np.flatnonzero(changes) + 1])
