"""The optional packages that steps of volumes compute with, imported at first use."""

import functools
import importlib
from types import ModuleType

from schemas.errors import MissingExtraError


@functools.cache
def cc3d() -> ModuleType:
    """The module `cc3d`. Raises MissingExtraError."""
    try:
        return importlib.import_module("cc3d")
    except ImportError:
        raise MissingExtraError("connected-components-3d", "volumes") from None
