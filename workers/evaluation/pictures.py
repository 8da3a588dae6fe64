"""Pictures of an evaluation, from its `metrics.json`."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from matplotlib.axes import Axes

from cluster.storage import Store
from schemas.picture import Picture
from workers.evaluation.documents import METRICS_JSON
from workers.evaluation.flow import flow_picture
from workers.pictures.canvas import FIRST, INK, SECOND, THIRD, draw

Json = Mapping[str, Any]
Paint = Callable[[Axes], None]
_MOST_GROUPS = 40
_MARKS = "os^Dv"


def pictures(store: Store) -> Iterator[Picture]:
    """The flow of rows first; then by outcome: volumes of segmented structures; distribution, ROC, precision and
    recall, calibration, net benefit, areas by group."""
    document = json.loads(store.get(METRICS_JSON))
    for name, outcome in document["outcomes"].items():
        yield flow_picture(name, [cell for cell in document["flow"] if cell["outcome"] == name])
        yield from _of_outcome(name, outcome)


def _of_outcome(name: str, outcome: Json) -> Iterator[Picture]:
    curves = outcome["curves"]
    found = {(row["figure"], row["point"]): row for row in outcome["all"]}
    for structure, volumes in curves.get("volumes", {}).items():
        title = f"Volume of {structure}, predicted against true (Bland and Altman)"
        yield _picture(name, title, _bland_altman(volumes, found["volume_limits_of_agreement_ml", structure]))
    if "roc" in curves:
        yield _picture(name, "Scores by what was true", _distribution(curves["distribution"]))
        yield _picture(name, f"ROC curve, area {_with_interval(found['auroc', ''])}", _roc(curves["roc"], found))
        prevalence = found["prevalence", ""]["value"]
        yield _picture(name, "Precision and recall", _precision_recall(curves["precision_recall"], prevalence))
    if "calibrated_groups" in curves:
        title = f"Calibration on test rows, {outcome['calibration']['method']} fitted on tuning rows"
        yield _picture(name, title, _before_and_after(curves))
    elif "calibration_groups" in curves:
        yield _picture(name, "Calibration", _calibration(curves))
    if "net_benefit" in curves:
        yield _picture(name, "Net benefit by threshold", _net_benefit(curves["net_benefit"]))
    for group, values in outcome["groups"].items():
        rows = [(value, row) for value, rows in values.items() for row in rows if row["figure"] == "auroc"]
        rows = [(value, row) for value, row in rows if row["value"] is not None][:_MOST_GROUPS]
        if rows:
            height = 0.9 + 0.26 * len(rows)
            yield _picture(name, f"Area by {group}", _forest(rows, found["auroc", ""]), height)


def _picture(section: str, title: str, paint: Paint, height: float = 3.2) -> Picture:
    return Picture(section, title, draw(paint, f"{section} {title}", height=height), f"{section}: {title}")


def _with_interval(row: Json) -> str:
    if row["value"] is None:
        return "not defined"
    interval = "" if row["low"] is None else f" ({row['low']:.3f} to {row['high']:.3f})"
    return f"{row['value']:.3f}{interval}"


def _distribution(curve: Json) -> Paint:
    def paint(axes: Axes) -> None:
        edges = curve["edges"]
        for name, colour in (("negatives", THIRD), ("positives", SECOND)):
            total = sum(curve[name])
            if total:
                axes.stairs(
                    [count / total for count in curve[name]], edges, fill=True, color=colour, alpha=0.55, label=name
                )
        axes.set_xlabel("score")
        axes.set_ylabel("share of its class")
        axes.legend()

    return paint


def _roc(curve: Json, found: Mapping[tuple[str, str], Json]) -> Paint:
    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=THIRD, linewidth=0.8)
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=FIRST)
        for place, (point, false, true) in enumerate(_operating_points(found)):
            axes.plot([false], [true], _MARKS[place % len(_MARKS)], color=SECOND, markersize=5, label=point)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="lower right")
        axes.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(-0.01, 1), ylim=(0, 1.01), aspect="equal")

    return paint


def _operating_points(found: Mapping[tuple[str, str], Json]) -> Iterator[tuple[str, float, float]]:
    """Name, false and true positive rate of each."""
    for figure, point in found:
        if figure == "threshold":
            rates = [found[name, point]["value"] for name in ("specificity", "sensitivity")]
            if None not in rates:
                yield point, 1 - rates[0], rates[1]


def _precision_recall(curve: Json, prevalence: float | None) -> Paint:
    def paint(axes: Axes) -> None:
        if prevalence is not None:
            axes.axhline(prevalence, color=THIRD, linewidth=0.8)
            axes.annotate("prevalence", (0.02, prevalence), (0, 3), textcoords="offset points", color=THIRD)
        axes.plot(curve["recall"], curve["precision"], color=FIRST)
        axes.set(
            xlabel="sensitivity (recall)", ylabel="PPV (precision)", xlim=(0, 1.01), ylim=(0, 1.01), aspect="equal"
        )

    return paint


def _calibration(curves: Json) -> Paint:
    def paint(axes: Axes) -> None:
        _curve(axes, curves["calibration_groups"], curves.get("calibration"), FIRST, INK)
        _square(axes)

    return paint


def _before_and_after(curves: Json) -> Paint:
    """Before it only where scores are probabilities."""

    def paint(axes: Axes) -> None:
        if "calibration_groups" in curves:
            _curve(axes, curves["calibration_groups"], curves.get("calibration"), SECOND, SECOND, "before")
        _curve(axes, curves["calibrated_groups"], curves.get("calibrated_smooth"), FIRST, FIRST, "after")
        _square(axes)
        axes.legend(loc="upper left")

    return paint


def _curve(axes: Axes, groups: Json, smooth: Json | None, line: str, dots: str, label: str | None = None) -> None:
    if smooth:
        axes.fill_between(smooth["predicted"], smooth["low"], smooth["high"], color=line, alpha=0.2, linewidth=0)
        axes.plot(smooth["predicted"], smooth["observed"], color=line)
    axes.plot(groups["predicted"], groups["observed"], "o", color=dots, markersize=3, label=label)


def _square(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=THIRD, linewidth=0.8, zorder=0)
    axes.set(xlabel="predicted", ylabel="observed", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")


def _net_benefit(curve: Json) -> Paint:
    def paint(axes: Axes) -> None:
        axes.plot(curve["probabilities"], curve["everybody"], color=THIRD, label="everybody")
        axes.axhline(0, color=INK, linewidth=0.8, label="nobody")
        axes.plot(curve["probabilities"], curve["model"], color=FIRST, label="model")
        most = max(*curve["model"], *curve["everybody"], 0.01)
        axes.set(xlabel="threshold probability", ylabel="net benefit", xlim=(0, 1), ylim=(-0.25 * most, 1.05 * most))
        axes.legend()

    return paint


def _bland_altman(volumes: Json, limits: Json) -> Paint:
    def paint(axes: Axes) -> None:
        axes.axhline(0, color=THIRD, linewidth=0.8)
        axes.plot(volumes["mean_ml"], volumes["difference_ml"], "o", color=FIRST, markersize=3)
        for bound in ("value", "low", "high"):
            if limits[bound] is not None:
                axes.axhline(limits[bound], color=SECOND, linewidth=0.8, linestyle="-" if bound == "value" else "--")
        axes.set(xlabel="mean of predicted and true volume (ml)", ylabel="predicted less true (ml)")

    return paint


def _forest(rows: list[tuple[str, Json]], whole: Json) -> Paint:
    def paint(axes: Axes) -> None:
        if whole["value"] is not None:
            axes.axvline(whole["value"], color=THIRD, linewidth=0.8)
        for place, (_, row) in enumerate(reversed(rows)):
            if row["low"] is not None:
                axes.plot([row["low"], row["high"]], [place, place], color=FIRST)
            axes.plot([row["value"]], [place], "o", color=FIRST, markersize=4)
        axes.set_yticks(range(len(rows)), [value for value, _ in reversed(rows)])
        axes.set(xlabel="area under the ROC curve", ylim=(-0.7, len(rows) - 0.3))

    return paint
