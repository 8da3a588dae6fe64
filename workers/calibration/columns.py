"""Calibrated scores beside the raw ones, as columns of rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.run import RunFile
from workers.calibration.class_maps import ClassCalibration
from workers.calibration.document import Calibration, OutputCalibration, calibrated_name, told_name
from workers.statistics.ranks import Floats

PARTS = "calibration"
"""Key among what the fingerprint of a run is made of: the calibration of each model that has one."""
OWN, POOLED, NONE = "own", "pooled", "none"


@dataclass(frozen=True)
class CalibratedColumn:
    """A column `name` made of the column `raw`; `told` is the column that says which map it was, empty for none."""

    name: str
    raw: str
    told: str
    how: OutputCalibration

    @property
    def made(self) -> tuple[str, ...]:
        """Names of the columns that it makes."""
        return (self.name, self.told) if self.told else (self.name,)

    def arrays(self, columns: Mapping[str, pa.Array]) -> Iterator[tuple[str, pa.Array]]:
        """Name and values of each column, from the raw scores and the carried ones (Arrow, by name)."""
        raw = columns[self.raw]
        scores = raw.cast(pa.float64()).to_numpy(zero_copy_only=False)
        values = None if not self.how.by else _texts(columns[self.how.by])
        calibrated, told = apply(self.how, scores, values)
        lost = np.asarray(raw.is_null()) | (told == NONE)
        yield self.name, pa.array(calibrated.astype(np.float32), pa.float32(), mask=lost)
        if self.told:
            yield self.told, pa.array(told, pa.string(), mask=np.asarray(raw.is_null()))


@dataclass(frozen=True)
class CalibratedClasses:
    """Columns `made` of the columns `raw`, a class each, in the same order."""

    made: tuple[str, ...]
    raw: tuple[str, ...]
    how: ClassCalibration

    def arrays(self, columns: Mapping[str, pa.Array]) -> Iterator[tuple[str, pa.Array]]:
        """Name and values of each column; null where one of the raw ones is."""
        raw = [columns[name] for name in self.raw]
        lost = np.any([np.asarray(one.is_null()) for one in raw], axis=0)
        scores = np.stack([one.cast(pa.float64()).to_numpy(zero_copy_only=False) for one in raw], axis=1)
        calibrated = self.how.map.apply(scores).astype(np.float32)
        for place, name in enumerate(self.made):
            yield name, pa.array(calibrated[:, place], pa.float32(), mask=lost)


def apply(
    how: OutputCalibration, scores: Floats, values: NDArray[np.object_] | None
) -> tuple[Floats, NDArray[np.object_]]:
    """Calibrated scores, and which map each went through: `own`, `pooled` or `none`. `values` are those of `how.by`."""
    told = np.full(len(scores), POOLED if values is None or how.unseen == "pooled" else NONE, object)
    if values is None:
        return how.map.apply(scores), told
    found = how.map.apply(scores)
    for value, through in how.values.items():
        here = values == value
        found[here], told[here] = through.apply(scores[here]), OWN
    return found, told


def calibrated_columns(run: RunFile) -> tuple[CalibratedColumn | CalibratedClasses, ...]:
    """The calibrated columns of a run's rows."""
    found: list[CalibratedColumn | CalibratedClasses] = []
    for model, document in run.parts.get(PARTS, {}).items():
        names = {column.output: column.name for column in run.columns if column.model == model}
        known = Calibration.model_validate(document)
        for together in known.classes:
            made = tuple(names[calibrated_name(output)] for output in together.outputs)
            found.append(CalibratedClasses(made, tuple(names[output] for output in together.outputs), together))
        for output, how in known.outputs.items():
            told = names[told_name(output)] if how.by else ""
            found.append(CalibratedColumn(names[calibrated_name(output)], names[output], told, how))
    return tuple(found)


def _texts(column: pa.Array) -> NDArray[np.object_]:
    return np.array(column.cast(pa.string()).to_pylist(), object)
