"""The columns that stage `prepare` writes of an image. Imports no torch."""

from collections.abc import Mapping
from typing import Any

from schemas.outputs import OutputField
from workers.images.prepare.plan import Ready
from workers.pipeline.reading import Prepared

SHOWN = (
    OutputField(name="pixels", type="binary", meaning="prepared pixels, rows first, in the type that they travel in"),
    OutputField(name="shape", type="list<int32>", meaning="rows, columns, and channels where there are several"),
    OutputField(name="dtype", type="string", meaning="numpy's name of their type"),
    OutputField(name="range", type="list<float64>", meaning="the smallest and largest value that they may have"),
)
COLUMNS = tuple(field.name for field in SHOWN)


def show(record: Prepared) -> Mapping[str, Any]:
    """One image as its row has it."""
    ready: Ready = record.inputs[0][0]
    return {
        "pixels": ready.pixels.tobytes(),
        "shape": list(ready.pixels.shape),
        "dtype": ready.pixels.dtype.name,
        "range": list(ready.value_range),
    }
