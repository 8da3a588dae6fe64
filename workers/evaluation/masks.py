"""Outcomes whose truth is a label map: what each structure of a row comes to, from files of masks and label maps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from cluster.storage import ObjectMissing, StorageSettings, Store, is_inside, open_store, split
from schemas.errors import RecordError, SpecError
from workers import registry
from workers.contract import Array
from workers.evaluation.columns import fault_column, masks_column, score_column, truth_column
from workers.evaluation.settings import EvaluateInput, Outcome
from workers.labels.settings import LabelValues, label_values
from workers.statistics.surfaces import agreement

Pair = Callable[[bytes, bytes], tuple[Array, Array, tuple[float, float, float]]]
"""Two label maps on one grid, and its spacing. Raises RecordError."""

NO_FILE, OUTSIDE, NO_PAIR = "no label map", "label map outside of roots", "label map does not fit"
_STRUCTURE: dict[str, Any] = {
    "structure": pl.String,
    **dict.fromkeys(("predicted", "true", "shared"), pl.Int64),
    **dict.fromkeys(("dice", "hd95", "surface_dice", "predicted_ml", "true_ml"), pl.Float64),
}
_MASKS = pl.List(pl.Struct(_STRUCTURE))


class MaskFiles:
    """The masks of a run, and the label maps that they are held against, which lie under `roots`: the folder of the
    labels unless others are named. A relative uri is from that folder."""

    def __init__(self, run: Store, storage: StorageSettings, folder: str, roots: Sequence[str]) -> None:
        self._run, self._storage, self._folder = run, storage, folder
        self._roots = roots or (folder,)
        self._stores: dict[str, Store] = {}

    @cached_property
    def _pair(self) -> Pair:
        found: Pair = registry.readers().load("label maps", "input.outcomes").pair
        return found

    def pair(self, masks: str, label_map: str) -> tuple[Array, Array, tuple[float, float, float]] | str:
        """Predicted and true values on one grid and its spacing, or why there are none."""
        uri = label_map if "://" in label_map or label_map.startswith("/") else f"{self._folder}/{label_map}"
        if not is_inside(uri, self._roots):
            return OUTSIDE
        folder, name = split(uri)
        store = self._stores.setdefault(folder, open_store(folder, self._storage))
        try:
            reference = store.get(name)
        except ObjectMissing:
            return NO_FILE
        try:
            return self._pair(self._run.get(masks), reference)
        except RecordError as error:
            return f"{NO_PAIR}: {error.detail}"


def open_masks(source: EvaluateInput, run: Store, storage: StorageSettings) -> MaskFiles | None:
    """The files that an evaluation needs; None where no outcome is of label maps."""
    if not any(outcome.task == "segmentation" for outcome in source.outcomes.values()):
        return None
    folder = run.uri if source.labels is None else source.labels.uri
    if source.labels is not None and not source.labels.pattern:
        folder, _ = split(source.labels.uri)
    return MaskFiles(run, storage, folder.rstrip("/"), source.roots)


def with_masks(rows: pl.DataFrame, name: str, outcome: Outcome, files: MaskFiles) -> pl.DataFrame:
    """The rows with what each structure comes to, why a row has none, and how many voxels are predicted and true in
    place of score and truth. Raises SpecError for a truth that is no uri."""
    truth = rows[outcome.truth]
    if truth.dtype not in (pl.String, pl.Null):
        raise SpecError(
            f"input.outcomes.{name}.truth: column {outcome.truth!r} is no text: name the uris of label maps"
        )
    found, faults = [], []
    for masks, uri in zip(rows[score_column(name)].to_list(), truth.to_list(), strict=True):
        both = None if masks is None or not uri else files.pair(masks, uri)
        faults.append(both if isinstance(both, str) else None)
        found.append(None if both is None or isinstance(both, str) else list(_structures(outcome, *both)))
    totals = [[None if one is None else float(sum(part[key] for part in one)) for one in found] for key in _BOTH]
    scored, known = rows[score_column(name)].is_not_null(), truth.is_not_null()
    return rows.with_columns(
        pl.Series(masks_column(name), found, _MASKS),
        pl.Series(fault_column(name), faults, pl.String),
        # What cannot be compared has a score and a truth all the same: its fault says why they count nothing.
        *(
            pl.when(there).then(pl.Series(values, dtype=pl.Float64).fill_null(0.0)).alias(column(name))
            for column, there, values in zip((score_column, truth_column), (scored, known), totals, strict=True)
        ),
    )


_BOTH = ("predicted", "true")


def _structures(
    outcome: Outcome, predicted: Array, true: Array, spacing: tuple[float, float, float]
) -> Iterator[Mapping[str, Any]]:
    voxel_ml = float(np.prod(spacing)) / 1000
    for name, values in outcome.structures.items():
        pair = _of(predicted, outcome.marked.get(name, values)), _of(true, values)
        found = agreement(*pair, spacing, outcome.tolerance_mm)
        counts = {"predicted": found.predicted, "true": found.true, "shared": found.shared}
        figures = {"dice": found.dice, "hd95": found.hd95, "surface_dice": found.surface_dice}
        sizes = {f"{key}_ml": counts[key] * voxel_ml for key in _BOTH}
        yield {"structure": name, **counts, **figures, **sizes}


def _of(label_map: Array, values: LabelValues) -> Array:
    return np.isin(label_map, label_values(values))
