"""One figure of an evaluation, as files have it."""

from dataclasses import dataclass
from typing import Any

from workers.statistics.estimate import Estimate

STRUCT = "struct<figure: string, point: string, value: float64, low: float64, high: float64, note: string>"


@dataclass(frozen=True)
class Figure:
    """`point` is the operating point that it is of, or another condition such as `specificity 0.95`; empty for none."""

    name: str
    estimate: Estimate
    point: str = ""

    def as_row(self) -> dict[str, Any]:
        """Plain JSON."""
        one = self.estimate
        return {
            "figure": self.name,
            "point": self.point,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "note": one.note or None,
        }


def count(name: str, number: float, point: str = "") -> Figure:
    """A number of rows: it has no interval."""
    return Figure(name, Estimate(float(number)), point)
