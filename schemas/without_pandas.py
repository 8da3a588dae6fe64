"""Keep pyarrow from importing pandas.

The first time that pyarrow converts a Python list it looks for pandas, and where that is installed imports it, which
takes half a second of a processor in every process, for nothing: no pandas object is ever converted here.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa


class _Hidden(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("hidden from pyarrow", name=name)
        return None


def keep_pandas_out() -> None:
    """Let pyarrow look for pandas now and not find it; it never looks again, and `to_pandas` does not work any more.

    For processes that are ours alone. Everybody else in the process can import pandas afterwards. Does nothing where
    pandas is imported already.
    """
    if "pandas" in sys.modules:
        return
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([None])
    finally:
        sys.meta_path.remove(hidden)
