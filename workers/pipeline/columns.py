"""Values of one model for one shard: collected a batch at a time, given back a column at a time."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.errors import WardroundError
from schemas.outputs import OutputField
from schemas.status import Status

Sample = tuple[int, int]
"""(row in the shard, frame of the record)"""

BodySink = Callable[[OutputField, int, bytes], str]
"""(output, row in the shard, a file that the model gave for it) -> the uri that the row refers to it by"""


def _no_sink(field: OutputField, row: int, body: bytes) -> str:
    raise WardroundError(f"output {field.name} has files, and this stage has no place for them: this is a bug")


class ModelColumns:
    """Collects `{output: values}` of samples in any order; a record with several frames becomes one value."""

    def __init__(self, outputs: Sequence[OutputField], rows: int) -> None:
        self.outputs = tuple(outputs)
        self.rows = rows
        self.statuses: list[Status | None] = [None] * rows
        self.details: list[str | None] = [None] * rows
        self.sink: BodySink = _no_sink
        self._samples: list[Sample] = []
        self._values: dict[str, list[Any]] = defaultdict(list)

    def put(self, samples: Sequence[Sample], values: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
        """Values of these samples, one an output each."""
        self._samples.extend(samples)
        for field in self.outputs:
            given = values[field.name]
            if field.object_suffix is not None:
                given = self._uris(field, samples, values)
            self._values[field.name].append(given)

    def _uris(self, field: OutputField, samples: Sequence[Sample], values: Mapping[str, Any]) -> list[Any]:
        """The files of these samples go to the sink; none of a record that will have no outputs, or of a later frame
        where the first stands for all."""
        lost = {row for row, status in enumerate(self.statuses) if status is not None}
        for other in self.outputs:
            if not other.may_be_nan and other.object_suffix is None:
                lost |= {row for (row, _), value in zip(samples, values[other.name], strict=True) if _has_nan(value)}
        found: list[Any] = []
        for (row, frame), given in zip(samples, values[field.name], strict=True):
            if given is None or row in lost or (frame and field.over_frames == "first"):
                found.append(None)
            elif isinstance(given, bytes):
                found.append(self.sink(field, row, given))
            else:
                found.append([self.sink(field, row, body) for body in given])
        return found

    def reject(self, row: int, status: Status, detail: str) -> None:
        """This record has no outputs. The first reason stands."""
        if self.statuses[row] is None:
            self.statuses[row] = status
            self.details[row] = detail

    def finish(self) -> dict[str, pa.Array]:
        """A column an output, null where the record was rejected. NaN where none is promised rejects the record."""
        order = self._order()
        self._refuse_silence(order)
        raw = {field.name: self._per_record(field, order) for field in self.outputs}
        for field in self.outputs:
            if not field.may_be_nan:
                self._reject_nan(field, raw[field.name])
        rejected = np.array([status is not None for status in self.statuses], dtype=bool)
        return {field.name: _to_arrow(field, raw[field.name], rejected) for field in self.outputs}

    def _refuse_silence(self, order: list[list[int]]) -> None:
        silent = sum(not positions and status is None for positions, status in zip(order, self.statuses, strict=True))
        if silent:
            raise WardroundError(
                f"{silent} records have neither a value nor a status: this is a bug, nothing is written"
            )

    def _order(self) -> list[list[int]]:
        """For each row the positions of its samples, by frame."""
        by_row: list[list[int]] = [[] for _ in range(self.rows)]
        for position in sorted(range(len(self._samples)), key=lambda p: self._samples[p]):
            by_row[self._samples[position][0]].append(position)
        return by_row

    def _per_record(self, field: OutputField, order: list[list[int]]) -> Any:
        parts = self._values[field.name]
        if _is_number(field) and not field.may_be_null:
            flat = np.concatenate([np.asarray(part) for part in parts]) if parts else np.zeros(0)
            # No record has several frames: nothing is folded.
            if len(self._samples) == sum(map(bool, order)):
                return self._scatter(field, flat)
            return _fold_numbers(field, flat, order)
        items = [item for part in parts for item in part]
        return [_fold_objects(field, [items[p] for p in positions]) for positions in order]

    def _scatter(self, field: OutputField, flat: NDArray[Any]) -> NDArray[Any]:
        # Arrow's name for the numpy type; no pandas is needed for it.
        column = np.zeros(self.rows, dtype=flat.dtype if flat.size else field.arrow_type.to_pandas_dtype())
        column[[row for row, _ in self._samples]] = flat
        return column

    def _reject_nan(self, field: OutputField, values: Any) -> None:
        if isinstance(values, np.ndarray):
            if values.dtype.kind != "f":
                return
            bad = np.flatnonzero(np.isnan(values))
        else:
            bad = np.array([row for row, value in enumerate(values) if _has_nan(value)], dtype=np.intp)
        for row in bad:
            self.reject(int(row), Status.INVALID_OUTPUT, f"output {field.name} is not a number")


def _is_number(field: OutputField) -> bool:
    kind = field.arrow_type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _fold_numbers(field: OutputField, flat: NDArray[Any], order: list[list[int]]) -> NDArray[Any]:
    """One value a row; 0 where a row has none (such a row is rejected already)."""
    kind = flat.dtype if flat.size else np.dtype(field.arrow_type.to_pandas_dtype())
    column = np.zeros(len(order), dtype=kind)
    for row, positions in enumerate(order):
        if len(positions) == 1:
            column[row] = flat[positions[0]]
        elif positions:
            column[row] = _fold(field, flat[positions])
    return column


def _fold(field: OutputField, values: NDArray[Any]) -> Any:
    match field.over_frames:
        case "max":
            return values.max()
        case "sum":
            return values.sum()
        case "first" | "concat":
            return values[0]
        case "mean":
            # A sum of many frames in float32 would lose digits.
            return values.mean(dtype=np.float64)


def _fold_objects(field: OutputField, items: list[Any]) -> Any:
    if not items:
        return None
    if len(items) == 1 or field.over_frames == "first":
        return items[0]
    if field.over_frames == "concat":
        return [part for item in items for part in item]
    stacked = np.asarray(items)
    folded = stacked.max(axis=0) if field.over_frames == "max" else stacked.sum(axis=0)
    result: list[Any] = (folded / len(items) if field.over_frames == "mean" else folded).tolist()
    return result


def _has_nan(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "f" and np.isnan(value).any())
    if isinstance(value, Mapping):
        return any(_has_nan(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_nan(item) for item in value)
    # Only NaN differs from itself.
    return isinstance(value, float | np.floating) and bool(value != value)


def _to_arrow(field: OutputField, values: Any, rejected: NDArray[np.bool_]) -> pa.Array:
    if isinstance(values, np.ndarray):
        return pa.array(values, type=field.arrow_type, mask=rejected)
    kept = [None if is_rejected else value for value, is_rejected in zip(values, rejected, strict=True)]
    return pa.array(kept, type=field.arrow_type)
