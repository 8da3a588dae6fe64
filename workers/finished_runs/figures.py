"""The figures of a shard's rows. They are counted where the rows are at hand, when they are committed; of an object
from before there were any, when they are asked for."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.errors import VerificationError
from schemas.figures import (
    FIGURES_KEY,
    LONGEST_VALUE,
    MOST_SPLIT,
    MOST_VALUES,
    SEVERAL,
    Figures,
    Group,
    Groups,
    Part,
    Parts,
)
from schemas.numbers import BINS, MOST_ITEMS, Items, Numbers, first_exponent
from schemas.outputs import object_suffix
from schemas.rows import IDENTITY, OutputColumn

_FIRST_COLUMNS = len(IDENTITY)


def figures_of(table: pa.Table, columns: Sequence[OutputColumn]) -> Figures:
    """What these rows come to. Columns between the fixed ones and `columns` are those that were carried."""
    outputs = [column for column in columns if column.output and column.table is None]
    carried = table.column_names[_FIRST_COLUMNS : table.num_columns - len(columns)]
    verdicts = {"": _codes(table["status"])}
    verdicts |= {column.model: _codes(table[column.name]) for column in columns if not column.output}
    subjects = _codes(table["subject_id"])
    words_of = {name: _words(table[name], whole=True) for name in carried}
    told = {column.name: _words(table[column.name]) for column in outputs if object_suffix(column.type) is None}
    return Figures(
        models={model: _counted(*codes) for model, codes in verdicts.items() if model},
        outputs=_outputs(table, outputs),
        vectors=_vectors(table, outputs),
        labels={
            name: _groups(words, {"": verdicts[""]}, subjects) for name, words in told.items() if words is not None
        },
        carried={name: _groups(words, verdicts, subjects) for name, words in words_of.items() if words is not None},
        by_value={
            name: _parts(words, table, outputs[:MOST_SPLIT]) for name, words in words_of.items() if words is not None
        },
        reasons=_groups(table["detail"], {"": verdicts[""]}, None),
    )


def figures_in(metadata: Mapping[bytes, bytes] | None) -> Figures | None:
    """Those that the footer of a shard object has; None of one that was written before there were any.

    Raises VerificationError for an entry that no run writes.
    """
    text = (metadata or {}).get(FIGURES_KEY.encode())
    try:
        return None if text is None else Figures.model_validate_json(text)
    except ValueError:
        raise VerificationError("a shard object has figures that no run writes: it is damaged") from None


def _outputs(table: pa.Table, columns: Sequence[OutputColumn]) -> dict[str, Numbers]:
    found = ((column.name, _numbers(table[column.name], column)) for column in columns)
    return {name: numbers for name, numbers in found if numbers is not None}


def _vectors(table: pa.Table, columns: Sequence[OutputColumn]) -> dict[str, Items]:
    return {
        column.name: _items(table[column.name])
        for column in columns
        if pa.types.is_list(kind := table[column.name].type) and _is_number(kind.value_type)
    }


def _parts(words: pa.ChunkedArray, table: pa.Table, columns: Sequence[OutputColumn]) -> Parts:
    """Scores of the rows of each value; rows of none are in none."""
    codes, values = _codes(words)
    places = sorted((value, at) for at, value in enumerate(values) if value is not None)
    if len(places) > MOST_SPLIT or any(len(value) > LONGEST_VALUE for value, _ in places):
        return Parts(too_many=True)
    rows = ((value, table.filter(pa.array(codes == at))) for value, at in places)
    return Parts(
        parts=tuple(
            Part(value=value, outputs=_outputs(part, columns), vectors=_vectors(part, columns)) for value, part in rows
        )
    )


def _numbers(column: pa.ChunkedArray, declared: OutputColumn) -> Numbers | None:
    """None of a column that holds no numbers. Of a list its items are counted, unless it is one of numbers."""
    kind = column.type
    if pa.types.is_list(kind) and not _is_number(kind.value_type) and object_suffix(declared.type) is None:
        column = pc.list_value_length(column)
        kind = column.type
    if not _is_number(kind):
        return None
    values = column.drop_null().to_numpy().astype(np.float64)
    return numbers_of(values, whole=pa.types.is_integer(kind))


def _items(column: pa.ChunkedArray) -> Items:
    """A list of numbers, place by place."""
    lists = column.drop_null().combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    longest = int(lengths.max(initial=0))
    if longest > MOST_ITEMS:
        return Items(too_many=True)
    flat = pc.list_flatten(lists).to_numpy(zero_copy_only=False).astype(np.float64)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    whole = pa.types.is_integer(lists.type.value_type)
    found = (flat[place == at] for at in range(longest))
    # A null among the items has become NaN.
    return Items(numbers=tuple(numbers_of(values, whole=whole) for values in found))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def numbers_of(values: NDArray[np.float64], *, whole: bool) -> Numbers:
    """Figures of numbers of shape (n,). `whole`: they are integers."""
    finite = values[np.isfinite(values)]
    lost = len(values) - len(finite)
    if not len(finite):
        return Numbers(not_finite=lost)
    lowest, highest = float(finite.min()), float(finite.max())
    exponent = first_exponent(max(abs(lowest), abs(highest)), whole=whole)
    ends = np.array([lowest, highest])
    while np.ptp(_intervals(ends, exponent)) >= BINS:
        exponent += 1
    first = int(_intervals(ends, exponent)[0])
    return Numbers(
        values=len(finite),
        not_finite=lost,
        sum=_sum(finite),
        lowest=lowest,
        highest=highest,
        whole=whole,
        exponent=exponent,
        first=first,
        counts=tuple(np.bincount(_intervals(finite, exponent) - first).tolist()),
    )


def _intervals(values: NDArray[np.float64], exponent: int) -> NDArray[np.int64]:
    """Exact, since only the exponent of each number changes; and what becomes less than any float keeps its side."""
    scaled = np.ldexp(values, -exponent)
    return np.where((values < 0) & (scaled == 0), -1.0, np.floor(scaled)).astype(np.int64)


def _sum(values: NDArray[np.float64]) -> float | None:
    try:
        return math.fsum(values.tolist())
    except OverflowError:
        return None


def _words(column: pa.ChunkedArray, *, whole: bool = False) -> pa.ChunkedArray | None:
    """The column as text, if it is of words or of true and false, or with `whole` of integers; else None."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    return column.cast(pa.string()) if whole and pa.types.is_integer(kind) else None


_Codes = tuple[NDArray[np.int64], Sequence[Any]]
"""A place in the list of values for each row, and those values."""


def _codes(column: pa.ChunkedArray) -> _Codes:
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _counted(codes: NDArray[np.int64], values: Sequence[Any]) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(values)).tolist()
    return {value: count for value, count in zip(values, counts, strict=True) if count}


def _groups(column: pa.ChunkedArray, verdicts: Mapping[str, _Codes], subjects: _Codes | None) -> Groups:
    codes, values = _codes(column)
    if len(values) > MOST_VALUES or any(len(value or "") > LONGEST_VALUE for value in values):
        return Groups(too_many=True)
    statuses: list[dict[str, dict[str, int]]] = [{} for _ in values]
    for model, (of_status, names) in verdicts.items():
        table = np.bincount(codes * len(names) + of_status, minlength=len(values) * len(names))
        for at, row in enumerate(table.reshape(len(values), len(names)).tolist()):
            statuses[at][model] = {name: count for name, count in zip(names, row, strict=True) if count}
    whose = [""] * len(values) if subjects is None else _subjects(codes, len(values), subjects)
    groups = (
        Group(value=value, subject=subject, statuses=counts)
        for value, subject, counts in zip(values, whose, statuses, strict=True)
    )
    return Groups(groups=tuple(groups)).added(Groups())


def _subjects(codes: NDArray[np.int64], values: int, subjects: _Codes) -> list[str]:
    """For each value a digest of the subject of all its rows, empty where it is null, or `SEVERAL`."""
    of_subject, names = subjects
    least, most = np.full(values, len(names)), np.full(values, -1)
    np.minimum.at(least, codes, of_subject)
    np.maximum.at(most, codes, of_subject)
    return [_digest(names[low]) if low == high else SEVERAL for low, high in zip(least, most, strict=True)]


def _digest(subject: str | None) -> str:
    return "" if subject is None else hashlib.blake2b(subject.encode(), digest_size=8).hexdigest()
