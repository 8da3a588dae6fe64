"""Pictures of a training: losses and the tuning metric by epoch."""

import io
from collections.abc import Callable, Iterator

import polars as pl
from matplotlib.axes import Axes

from cluster.storage import Store
from schemas.picture import Picture
from workers.pictures.canvas import FIRST, SECOND, THIRD, draw
from workers.training.job.columns import HISTORY, MODEL

_SECTION = "Training"
_COLOURS = (FIRST, SECOND, THIRD)
_NOT_METRICS = ("seed", "fold", "epoch", "learning_rate", "train_loss", "tuning_loss")
_MOST = 20
"""Epochs up to which each is marked: of a few there is hardly a line."""


def pictures(store: Store) -> Iterator[Picture]:
    """Curves of all networks of the model."""
    history = pl.read_parquet(io.BytesIO(store.get(f"{MODEL}{HISTORY}")))
    if history.is_empty():
        return
    yield _picture("Loss by epoch", _losses(history), "solid: of what is learned from; dashed: of tuning records")
    for metric in (name for name in history.columns if name not in _NOT_METRICS):
        yield _picture(f"{metric} of tuning records by epoch", _metric(history, metric), "one line a network")


def _picture(title: str, paint: Callable[[Axes], None], words: str) -> Picture:
    return Picture(_SECTION, title, draw(paint, f"{_SECTION} {title}"), f"{title}; {words}")


def _losses(history: pl.DataFrame) -> Callable[[Axes], None]:
    def paint(axes: Axes) -> None:
        for place, (name, rows) in enumerate(_by_fit(history)):
            colour = _COLOURS[place % len(_COLOURS)]
            axes.plot(rows["epoch"], rows["train_loss"], color=colour, marker=_mark(rows), label=name)
            axes.plot(rows["epoch"], rows["tuning_loss"], color=colour, marker=_mark(rows), linestyle="--")
        axes.set(xlabel="epoch (dashed: tuning)", ylabel="loss")
        axes.legend()

    return paint


def _metric(history: pl.DataFrame, metric: str) -> Callable[[Axes], None]:
    def paint(axes: Axes) -> None:
        for place, (name, rows) in enumerate(_by_fit(history)):
            colour = _COLOURS[place % len(_COLOURS)]
            axes.plot(rows["epoch"], rows[metric], color=colour, marker=_mark(rows), label=name)
        axes.set(xlabel="epoch", ylabel=metric)
        axes.legend()

    return paint


def _by_fit(history: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """A name for each network, and its epochs."""
    names = [name for name in ("fold", "seed") if name in history.columns]
    for numbers, rows in history.group_by(names, maintain_order=True):
        yield ", ".join(f"{name} {one}" for name, one in zip(names, numbers, strict=True)), rows.sort("epoch")


def _mark(rows: pl.DataFrame) -> str:
    return "." if rows.height <= _MOST else ""
