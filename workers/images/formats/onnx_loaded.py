"""Loads and runs what workers.images.formats.onnx describes. Imports onnxruntime."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import RecordError, SpecError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Affine, Array, ModelCard, Placement
from workers.images.formats.onnx_session import DTYPES, open_session, run_batches
from workers.images.formats.side_files import encode
from workers.images.prepare.affine import apply_affine
from workers.models.head import activate, by_column


class OnnxModel:
    """An onnxruntime session that takes images.

    A graph of a fixed batch is run as often as needed, its last batch filled up with copies of the last image.
    """

    def __init__(self, session: Any, card: ModelCard, affine: Affine | None) -> None:
        self.outputs = card.outputs
        self._session = session
        self._affine = affine
        self._channels = card.channels
        self._activation = card.settings["activation"]
        self._names: Sequence[str] = card.settings["graph_outputs"]
        self._last = card.settings["layout"] == "NHWC"
        taken = session.get_inputs()[0]
        self._input: str = taken.name
        self._dtype = np.dtype(DTYPES[taken.type])
        sizes = [size if isinstance(size, int) and size > 0 else None for size in taken.shape]
        self._batch = sizes[0]
        self._rows, self._columns = sizes[1:3] if self._last else sizes[2:4]

    def batch_key(self, array: Array) -> Hashable:
        """Shape and type: only equal ones stack."""
        return array.shape, array.dtype.str

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Sequence[Any] | Array]:
        """One value an image and column. See workers.contract.Model."""
        self._check(batch[0])
        images = self._images(batch)
        results = run_batches(self._session, self._names, self._input, images, self._batch)
        if self._activation is None:
            return {field.name: _column(field, result) for field, result in zip(self.outputs, results, strict=True)}
        logits = results[0].reshape(len(batch), -1)
        if logits.shape[1] != len(self.outputs):
            raise SpecError(f"the ONNX model gives {logits.shape[1]} numbers, its card has {len(self.outputs)} labels")
        return by_column(self.outputs, activate(logits, self._activation))

    def _check(self, array: Array) -> None:
        if array.ndim not in (2, 3):
            raise RecordError(Status.OUT_OF_CONTRACT, "the model takes images of two dimensions")
        channels = 1 if array.ndim == 2 else array.shape[2]
        for what, wanted, found in (
            ("channel(s)", self._channels, channels),
            ("rows", self._rows, array.shape[0]),
            ("columns", self._columns, array.shape[1]),
        ):
            if wanted not in (None, found):
                detail = f"the model takes {wanted} {what}, the prepared image has {found}"
                raise RecordError(Status.OUT_OF_CONTRACT, detail)
        floats = self._dtype.kind == "f" or self._affine is not None
        if not floats and not np.can_cast(array.dtype, self._dtype, "safe"):
            detail = f"the model takes {self._dtype} pixels, the prepared image has {array.dtype}"
            raise RecordError(Status.OUT_OF_CONTRACT, detail)

    def _images(self, batch: Sequence[Array]) -> Array:
        """(N, H, W, C) or (N, C, H, W) in the type of the graph's input."""
        stacked = np.stack(batch)
        stacked = stacked[..., None] if stacked.ndim == 3 else stacked
        if self._affine is not None:
            if max(len(self._affine.mean), len(self._affine.std)) not in (1, stacked.shape[3]):
                raise RecordError(Status.OUT_OF_CONTRACT, "the normalisation is for another number of channels")
            stacked = apply_affine(stacked, self._affine)
        if not self._last:
            stacked = stacked.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(stacked, dtype=self._dtype)


def load(path: Path, card: ModelCard, placement: Placement) -> OnnxModel:
    """Open a session on the device. Raises SpecError where ONNX Runtime does not take the file."""
    session = open_session(path, placement.device, placement.threads)
    taken = session.get_inputs()[0]
    if taken.type not in DTYPES:
        raise SpecError(f"{path}: takes {taken.type}, must take one of {', '.join(DTYPES)}")
    if placement.affine is not None and np.dtype(DTYPES[taken.type]).kind != "f":
        raise SpecError(f"{path}: takes {taken.type}, so 'prepare' must not end with rescale or standardise")
    return OnnxModel(session, card, placement.affine)


def _column(field: OutputField, result: Array) -> Sequence[Any] | Array:
    """A number an image, in the declared type; one flat array for a list column, one file for a column of objects."""
    if field.object_suffix is not None:
        return encode(field, result)
    flat = result.reshape(len(result), -1)
    kind = field.type.removeprefix("list<").removesuffix(">")
    try:
        typed = flat.astype(np.dtype(kind))
    except TypeError as error:
        raise SpecError(f"output {field.name!r}: an ONNX output cannot be given as {field.type}") from error
    if field.type.startswith("list<"):
        return list(typed)
    if flat.shape[1] != 1:
        raise SpecError(f"output {field.name!r} has {flat.shape[1]} numbers an image: declare it as list<{field.type}>")
    column: Array = typed[:, 0]
    return column
