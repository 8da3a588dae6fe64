"""Opening and running onnxruntime sessions: providers, threads, errors in our own terms."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from schemas.errors import RecordError, SpecError, UsageError
from schemas.status import Status
from workers.contract import Array

DTYPES: Mapping[str, str] = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(uint16)": "uint16",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}

_REFUSED = "non-zero status code returned while running"
_DEVICE = ("cuda", "cudnn", "cublas", "hip")


def open_session(path: Path, device: str, threads: int) -> Any:
    """A session in float32 without TF32. Raises SpecError if the model cannot be loaded.

    Raises UsageError where CUDA is asked for and this onnxruntime has none: falling back would go unnoticed.
    """
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.startswith("cuda"):
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise UsageError("this onnxruntime has no CUDA: pip install onnxruntime-gpu, or set gpus_per_worker: 0")
        providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Spinning threads would take the cores from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except _errors() as error:
        said = str(error).partition("\n")[0][:300]
        raise SpecError(f"{path}: onnxruntime cannot load it ({said})") from error


def run(session: Any, names: Sequence[str], inputs: Mapping[str, Array]) -> list[Array]:
    """The outputs of these names.

    Raises MemoryError where memory was short, and RecordError (out_of_contract) where a node of the graph cannot take
    these inputs: what a graph of free sizes really takes is known by running it only.
    """
    try:
        results: list[Array] = session.run(list(names), dict(inputs))
    except _errors() as error:
        text = str(error).lower()
        if "allocate memory" in text or "out of memory" in text or "bad_alloc" in text:
            raise MemoryError("the device ran out of memory") from error
        if _REFUSED in text and not any(word in text for word in _DEVICE):
            raise RecordError(Status.OUT_OF_CONTRACT, "a node of the graph fails on the prepared image") from None
        raise
    return results


def run_batches(session: Any, names: Sequence[str], name: str, given: Array, batch: int | None) -> list[Array]:
    """The outputs for what `given` has along its first axis, which goes in as input `name`.

    A graph of a fixed `batch` is run as often as needed, its last batch filled up with copies of the last one. Raises
    SpecError where an output has no row for each of them, and what `run` raises.
    """
    step = batch or len(given)
    parts = [_batch(session, names, name, given[start : start + step], batch) for start in range(0, len(given), step)]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _batch(session: Any, names: Sequence[str], name: str, given: Array, batch: int | None) -> list[Array]:
    count = len(given)
    # The graph takes so many and no fewer: copies fill it up, and their answers are dropped.
    if batch and count < batch:
        given = np.concatenate([given, np.repeat(given[-1:], batch - count, axis=0)])
    results = run(session, names, {name: given})
    for output, result in zip(names, results, strict=True):
        if result.shape[:1] != (len(given),):
            raise SpecError(f"output {output!r} of the ONNX model has no row for each image of the batch")
    return [result[:count] for result in results]


def _errors() -> tuple[type[Exception], ...]:
    """onnxruntime's exceptions: they share no base but Exception."""
    state = onnxruntime.capi.onnxruntime_pybind11_state
    return tuple(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))
