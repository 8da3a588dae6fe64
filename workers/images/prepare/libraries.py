"""The optional packages that steps compute with and models are read with, imported at first use.

A driver checks the settings of a spec without them; a worker that lacks one says what to install.
"""

import functools
import importlib
from types import ModuleType

from schemas.errors import MissingExtraError


@functools.cache
def opencv() -> ModuleType:
    """The module `cv2`. Raises MissingExtraError."""
    return _load("cv2", "opencv-python-headless")


@functools.cache
def simpleitk() -> ModuleType:
    """The module `SimpleITK`. Raises MissingExtraError."""
    return _load("SimpleITK", "SimpleITK")


@functools.cache
def pillow() -> ModuleType:
    """The module `PIL.Image`. Raises MissingExtraError."""
    return _load("PIL.Image", "pillow")


@functools.cache
def pydicom_processing() -> ModuleType:
    """The module `pydicom.pixels.processing`. Raises MissingExtraError."""
    return _load("pydicom.pixels.processing", "pydicom")


@functools.cache
def onnx() -> ModuleType:
    """The module `onnx`, which takes 0.3 s to import. Raises MissingExtraError."""
    return _load("onnx", "onnx")


@functools.cache
def protobuf_message() -> ModuleType:
    """The module `google.protobuf.message`, of what `onnx` reads with. Raises MissingExtraError."""
    return _load("google.protobuf.message", "onnx")


@functools.cache
def h5py() -> ModuleType:
    """The module `h5py`. Raises MissingExtraError."""
    return _load("h5py", "h5py")


def _load(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(package, "images") from None
