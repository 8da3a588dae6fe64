"""Rows of whole subjects, as arrays, however they lie in the data files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cluster.storage import Store
from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.ehr.events.asof import known_from
from workers.ehr.events.contract import STATIC
from workers.ehr.events.indexing import microseconds
from workers.ehr.events.rowsource import RowSource, Run
from workers.ehr.meds.precision import KNOWN_AT, MIDNIGHT, TIME_PRECISION

COLUMNS = ("subject_id", "time", "code", "numeric_value", TIME_PRECISION, KNOWN_AT)
_KNOWN = "known"

NOT_WHOLE = Fault(Status.UNREADABLE, "rows of the subject may lie in a part of its data file that cannot be read")
_NOT_THOSE = Fault(Status.INPUT_CHANGED, "the rows of its data file are not the planned ones")
_UNSORTED = Fault(Status.INPUT_CHANGED, "the events of the subject are not sorted as they were when it was planned")
_NO_CODE = Fault(Status.UNREADABLE, "an event of the subject has no code")


@dataclass(frozen=True)
class Wanted:
    """One subject and where its rows lie, or why it has none."""

    subject: int
    runs: Sequence[Run]
    fault: Fault | None = None

    @property
    def rows(self) -> int:
        """How many rows all runs have."""
        return sum(run.rows for run in self.runs)


@dataclass(frozen=True)
class SubjectRows:
    """Rows of some subjects: subject `i` has `offsets[i]:offsets[i + 1]`, sorted by time, none if it has a fault."""

    offsets: NDArray[np.int64]
    code_names: Sequence[str]
    code: NDArray[np.int32]
    time: NDArray[np.int64]
    known: NDArray[np.int64]
    """By when each row has certainly happened (`workers.ehr.events.asof`)."""
    value: NDArray[np.float32]
    faults: dict[int, Fault] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return int(self.offsets.nbytes + self.code.nbytes + self.time.nbytes + self.known.nbytes + self.value.nbytes)


@dataclass(frozen=True)
class Gathered:
    """Rows as the files have them: `owner` says by place in what was wanted whose each is. None of who has a fault."""

    table: pa.Table | None
    owner: NDArray[np.int64]
    faults: dict[int, Fault]


class SubjectFetcher:
    """Fetches subjects; for one thread. `sort`: sort each by time, keeping the order of the source among equals.

    `exact`: midnight is a time like any other (`workers.ehr.events.settings`).
    """

    def __init__(self, store: Store, sort: bool, exact: bool, columns: Sequence[str] = COLUMNS) -> None:
        self._source = RowSource(store, columns)
        self._sort = sort
        self._exact = exact

    def fetch(self, wanted: Sequence[Wanted]) -> SubjectRows:
        """Raises InfrastructureError where storage keeps failing; what is wrong with a subject is its fault."""
        gathered = self.gather(wanted)
        table, owner, faults = gathered.table, gathered.owner, gathered.faults
        if table is None:
            return _nothing(len(wanted), faults)
        times = microseconds(table["time"])
        names, code = _codes(table["code"])
        value, known = _values(table), table[_KNOWN].to_numpy()
        order = self._order(owner, times)
        if order is not None:
            owner, times, known = owner[order], times[order], known[order]
            code, value = code[order], value[order]
        # Sorted when it was planned: rows that are not any more are other rows.
        backwards = (times[1:] < times[:-1]) & (owner[1:] == owner[:-1])
        if backwards.any():
            _blame(faults, owner[1:][backwards], _UNSORTED)
            good = _without(owner, faults)
            owner, times, known = owner[good], times[good], known[good]
            code, value = code[good], value[good]
        offsets = np.searchsorted(owner, np.arange(len(wanted) + 1))
        return SubjectRows(offsets, names, code, times, known, value, faults)

    def gather(self, wanted: Sequence[Wanted]) -> Gathered:
        """The rows in the order of the files. Raises InfrastructureError where storage keeps failing."""
        runs = sorted(
            ((run, subject) for subject, one in enumerate(wanted) for run in one.runs),
            key=lambda item: (item[0].uri, item[0].first),
        )
        faults = {place: one.fault for place, one in enumerate(wanted) if one.fault is not None}
        parts = [part for stretch in _stretches(runs) for part in self._read(stretch, faults)]
        if not parts:
            return Gathered(None, np.zeros(0, np.int64), faults)
        # Files may lack `numeric_value`, which is null in their rows then.
        table = pa.concat_tables([table for table, _ in parts], promote_options="default")
        owner = np.concatenate([subjects for _, subjects in parts])
        ids = np.array([one.subject for one in wanted])
        _blame(faults, owner[table["subject_id"].to_numpy() != ids[owner]], _NOT_THOSE)
        if table["code"].null_count:
            _blame(faults, owner[table["code"].is_null().to_numpy()], _NO_CODE)
        if faults:
            good = _without(owner, faults)
            table, owner = table.filter(pa.array(good)), owner[good]
        return Gathered(table if len(owner) else None, owner, faults)

    def _read(
        self, stretch: Sequence[tuple[Run, int]], faults: dict[int, Fault]
    ) -> list[tuple[pa.Table, NDArray[np.int64]]]:
        """Neighbouring runs in one go; where that fails, one by one."""
        first = stretch[0][0]
        rows = [run.rows for run, _ in stretch]
        try:
            table = self._source.read(Run(first.uri, first.etag, first.first, sum(rows)))
        except RecordError as error:
            # One damaged row group must not cost the subjects beside it.
            if len(stretch) > 1:
                return [part for one in stretch for part in self._read([one], faults)]
            faults.setdefault(stretch[0][1], Fault(error.status, error.detail))
            return []
        # File by file: one that was converted says how precise its times are, another one does not.
        known = pa.array(known_by(table, self._exact))
        return [(table.append_column(_KNOWN, known), np.repeat(np.array([subject for _, subject in stretch]), rows))]

    def _order(self, owner: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.intp] | None:
        """None where the rows lie in order already."""
        if self._sort:
            return np.lexsort((times, owner))
        return np.argsort(owner, kind="stable") if (owner[1:] < owner[:-1]).any() else None


def known_by(table: pa.Table, exact: bool) -> NDArray[np.int64]:
    """By when each row of a data file has certainly happened."""
    times = microseconds(table["time"])
    if KNOWN_AT not in table.column_names:
        return known_from(times, exact)
    said = pc.fill_null(table[KNOWN_AT].cast(pa.int64()), STATIC).to_numpy()
    if exact and TIME_PRECISION in table.column_names:
        # What a clock said is a moment then; a day that the source has no more of stays one.
        is_clock = pc.fill_null(pc.equal(table[TIME_PRECISION], MIDNIGHT), False).to_numpy()
        said = np.where(is_clock, STATIC, said)
    found: NDArray[np.int64] = np.maximum(times, said)
    return found


def _without(owner: NDArray[np.int64], faults: Mapping[int, Fault]) -> NDArray[np.bool_]:
    return ~np.isin(owner, np.array(sorted(faults)))


def _stretches(runs: Sequence[tuple[Run, int]]) -> list[list[tuple[Run, int]]]:
    """Runs that touch in one file together."""
    found: list[list[tuple[Run, int]]] = []
    for run, subject in runs:
        last = found[-1][-1][0] if found else None
        if last is not None and (last.uri, last.etag, last.end) == (run.uri, run.etag, run.first):
            found[-1].append((run, subject))
        else:
            found.append([(run, subject)])
    return found


def _codes(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int32]]:
    """Every code that occurs, and indices into them, -1 for none."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    # Each batch has a dictionary of its own codes.
    unified = column.unify_dictionaries()
    chunks = [chunk for chunk in unified.chunks if len(chunk)]
    index = np.concatenate([pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in chunks])
    names = chunks[0].dictionary
    used = np.flatnonzero(np.bincount(index[index >= 0], minlength=len(names)))
    renumber = np.full(len(names) + 1, -1, np.int32)
    renumber[used] = np.arange(len(used), dtype=np.int32)
    return names.take(pa.array(used)).cast(pa.string()).to_pylist(), renumber[index]


def _values(table: pa.Table) -> NDArray[np.float32]:
    if "numeric_value" not in table.column_names:
        return np.full(table.num_rows, np.nan, np.float32)
    found: NDArray[np.float32] = pc.fill_null(table["numeric_value"], float("nan")).to_numpy()
    return found


def _blame(faults: dict[int, Fault], subjects: NDArray[np.int64], fault: Fault) -> None:
    for subject in np.unique(subjects):
        faults.setdefault(int(subject), fault)


def _nothing(subjects: int, faults: dict[int, Fault]) -> SubjectRows:
    offsets, none = np.zeros(subjects + 1, np.int64), np.zeros(0, np.int64)
    return SubjectRows(offsets, (), np.zeros(0, np.int32), none, none, np.zeros(0, np.float32), faults)
