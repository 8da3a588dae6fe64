"""The column that stage `prepare` writes of a molecule. Imports no torch."""

from collections.abc import Mapping
from typing import Any

from schemas.outputs import OutputField
from workers.pipeline.reading import Prepared

SHOWN = (
    OutputField(name="fingerprint", type="binary", meaning="packed bits, the first in the highest, or uint16 counts"),
)
COLUMNS = tuple(field.name for field in SHOWN)


def show(record: Prepared) -> Mapping[str, Any]:
    """One molecule as its row has it."""
    return {"fingerprint": record.inputs[0].value.tobytes()}
