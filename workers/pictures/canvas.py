"""One figure from its axes to an SVG element."""

import io
import re
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#010203"
"""What is drawn in it has the colour of the page's text, whatever that is."""
FIRST, SECOND, THIRD = "#4493f8", "#d29922", "#8b949e"
"""Colours that are told apart on white and on black, by the colour-blind too."""

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "wardround",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "patch.edgecolor": INK,
}
_REFERENCE = re.compile(r'(?:url\(#|href="#)([^)"]+)')
_ID = re.compile(r' id="([^"]*)"')


def draw(paint: Callable[[Axes], None], name: str, width: float = 3.6, height: float = 3.2) -> str:
    """What `paint` draws, in inches. `name` is unlike that of every other picture of the page."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        paint(axes)
        sink = io.StringIO()
        figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _element(sink.getvalue())


def _element(text: str) -> str:
    """Without what stands before the element, its fixed size, and ids that other pictures have too."""
    svg = text[text.index("<svg") :].strip()
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    svg = f"{head}>{rest}".replace(INK, "currentColor")
    kept = set(_REFERENCE.findall(svg))
    return _ID.sub(lambda found: found[0] if found[1] in kept else "", svg)
