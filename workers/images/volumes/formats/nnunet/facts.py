"""What a checkpoint of nnU-Net says beside its weights, read without torch.

A checkpoint is a zip with a pickle in it. Of the pickle only plain values are made: whatever else it names is a
stand-in that holds nothing and does nothing, and what is not among the names that a checkpoint of nnU-Net has is
refused.
"""

import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import SecurityError, SpecError

CONVERT = (
    "write it anew where you trust it: c = torch.load(file, weights_only=False); torch.save({key: c[key] for key in "
    "('network_weights', 'trainer_name', 'init_args', 'inference_allowed_mirroring_axes')}, file)"
)
_LARGEST = 64 << 20
"""Bytes of the pickle: names and places of tensors, not the tensors."""
_PLAIN = {("collections", "OrderedDict"), ("collections", "defaultdict"), ("builtins", "set")}
_STAND_INS = {
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "FloatStorage"),
    ("torch", "HalfStorage"),
    ("torch", "BFloat16Storage"),
    ("torch", "DoubleStorage"),
    ("torch", "LongStorage"),
    ("torch", "IntStorage"),
    ("torch", "BoolStorage"),
    ("torch", "ByteStorage"),
    ("torch", "device"),
    ("torch", "Size"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy", "dtype"),
    ("numpy.dtypes", "Float32DType"),
    ("numpy.dtypes", "Float64DType"),
    ("numpy.dtypes", "Int64DType"),
    ("_codecs", "encode"),
}


class StandIn:
    """Something that a pickle names: holds nothing, and takes whatever it is given."""

    def __new__(cls, *_: object) -> "StandIn":
        return object.__new__(cls)

    def __init__(self, *_: object) -> None:
        """Whatever it is made of is dropped."""

    def __setstate__(self, _: object) -> None:
        """A state is dropped too."""


@dataclass(frozen=True)
class Facts:
    """`mirror` are axes of the network, as arrays have them, counted from 0."""

    trainer: str
    configuration: str
    mirror: tuple[int, ...]


def read_facts(path: Path) -> Facts:
    """Raises SecurityError for a pickle of anything else, SpecError for what is no checkpoint of nnU-Net."""
    found = _values(path)
    try:
        mirror = found.get("inference_allowed_mirroring_axes") or ()
        return Facts(
            str(found["trainer_name"]), str(found["init_args"]["configuration"]), tuple(int(one) for one in mirror)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(
            f"{path}: is no checkpoint of nnU-Net 2: it says nothing of {error}; train it with nnunetv2, or write the "
            "model as a wardround-volume-model (docs/models.md)"
        ) from None


def _values(path: Path) -> dict[str, Any]:
    body = _pickle(path)
    try:
        found = _Reader(io.BytesIO(body)).load()
    except SecurityError as error:
        raise SecurityError(f"{path}: is a pickle with {error}, which can run code when loaded: {CONVERT}") from None
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
    ) as error:
        raise SpecError(f"{path}: is not a checkpoint that can be read ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise SpecError(f"{path}: holds no dictionary, as a checkpoint of nnU-Net does")
    return found


def _pickle(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one for one in archive.infolist() if one.filename.endswith("/data.pkl")]
            if len(names) != 1 or names[0].file_size > _LARGEST:
                raise SpecError(f"{path}: is not a checkpoint of PyTorch that can be read")
            with archive.open(names[0]) as file:
                return file.read(_LARGEST)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SpecError(f"{path}: is not a checkpoint of PyTorch that can be read ({error})") from error


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if (module, name) in _STAND_INS:
            return StandIn
        raise SecurityError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        return StandIn()


def scalars() -> list[tuple[Any, str]]:
    """What of numpy the numbers of a checkpoint's log are made of, for `torch.load` by `weights_only`."""
    make: Any = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(name)) for name in ("float64", "float32", "int64")]
    named: list[tuple[Any, str]] = [(make, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    return [*named, (np.dtype, "numpy.dtype"), *((kind, f"numpy.dtypes.{kind.__name__}") for kind in kinds)]
