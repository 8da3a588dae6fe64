from __future__ import annotations

import subprocess
import sys

_CODE = """
import sys
from schemas.without_pandas import keep_pandas_out
keep_pandas_out()
import numpy as np, pyarrow as pa, pyarrow.compute as pc
table = pa.table({"a": ["x", None], "b": pa.array([[1.0], []], pa.list_(pa.float32()))})
assert table.to_pylist() == [{"a": "x", "b": [1.0]}, {"a": None, "b": []}]
assert pa.array(np.ones(2), mask=np.array([True, False])).to_pylist() == [None, 1.0]
assert pc.binary_join_element_wise("a", pa.array(["b"]), "").to_pylist() == ["ab"]
assert "pandas" not in sys.modules
try:
    import pandas
    print(pandas.__name__)
except ModuleNotFoundError as error:
    print(error.name)
"""


def test_pyarrow_converts_lists_without_pandas_which_others_can_still_import():
    result = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "pandas"
