"""The flow of rows as a diagram whose boxes add up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from schemas.picture import Picture
from workers.evaluation.columns import TEST, TUNING
from workers.evaluation.join_stage import EVALUATED
from workers.pictures.canvas import INK, draw

_LINE = 0.32
"""Inches that a line of text takes, box included."""


@dataclass(frozen=True)
class Box:
    """Rows that go on (in the middle) or leave (to the right), with why."""

    text: str
    rows: int
    leaves: bool = False


def boxes(cells: Sequence[Mapping[str, Any]]) -> list[Box]:
    """From all rows of the run to those that are evaluated; each box that goes on is the last one less what left."""
    left = sum(cell["rows"] for cell in cells)
    found = [Box("rows of the run", left)]
    for part, text in (("left out", "in neither part"), (TUNING, "tuning rows")):
        rows = sum(cell["rows"] for cell in cells if cell["part"] == part)
        if rows:
            found.append(Box(text, rows, leaves=True))
            left -= rows
    found.append(Box("test rows", left))
    gone = [cell for cell in cells if cell["part"] == TEST and cell["state"] != EVALUATED]
    for cell in gone:
        found.append(Box(str(cell["state"]), cell["rows"], leaves=True))
        left -= cell["rows"]
    return [*found, Box("evaluated", left)]


def flow_picture(outcome: str, cells: Sequence[Mapping[str, Any]]) -> Picture:
    """The diagram of one outcome."""
    found = boxes(cells)
    words = "; ".join(f"{box.text}: {box.rows:,}" for box in found)

    def paint(axes: Axes) -> None:
        axes.set_axis_off()
        axes.set(xlim=(0, 10), ylim=(-len(found) + 0.4, 0.6))
        for line in _lines(found):
            axes.annotate("", line[1], line[0], arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 0.8})
        for place, box in enumerate(found):
            at = (7.6 if box.leaves else 2.6, -place)
            frame = {"boxstyle": "round,pad=0.35", "facecolor": "none", "edgecolor": INK, "linewidth": 0.8}
            axes.text(*at, f"{box.text}: {box.rows:,}", ha="center", va="center", bbox=frame, fontsize=8)

    svg = draw(paint, f"flow {outcome}", width=3.6, height=_LINE * len(found) + 0.3)
    return Picture(outcome, "What became of the rows", svg, words)


def _lines(found: Sequence[Box]) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    before = 0
    for place, box in enumerate(found):
        if box.leaves:
            yield (2.6, -place), (5.9, -place)
        elif place:
            yield (2.6, -before - 0.35), (2.6, -place + 0.35)
            before = place
