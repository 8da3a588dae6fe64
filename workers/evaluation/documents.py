"""The files of figures that an evaluation leaves: `metrics.json` and `metrics.parquet`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from schemas.run import RunFile
from workers.evaluation.cases import Case
from workers.evaluation.class_recalibration import FittedClasses
from workers.evaluation.figure import Figure
from workers.evaluation.recalibration import Fitted
from workers.evaluation.settings import EvaluateInput, Outcome, Rule
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import SideObject
from workers.statistics.calibration import grouped, smooth_curve
from workers.statistics.discrimination import precision_recall_curve, roc_curve
from workers.statistics.net_benefit import decision_curve
from workers.statistics.ranks import Floats, Ranks

METRICS_JSON = "metrics.json"
METRICS_PARQUET = "metrics.parquet"
VERSION = 1
"""Version of metrics.json: raised when a key changes its meaning or goes."""
_BINS = 50


def metrics_json(
    context: StageContext,
    source: EvaluateInput,
    points: Mapping[str, Mapping[str, float]],
    figures: Mapping[Case, Sequence[Figure]],
    ranks: Mapping[str, Ranks],
    account: Mapping[str, Any],
    fitted: Mapping[str, Fitted | FittedClasses],
    volumes: Mapping[str, Any],
) -> SideObject:
    """All figures by outcome and group, curves of all rows, operating points with their rule; `account` is what became
    of rows and labels, `fitted` the calibration of outcomes, `volumes` those of segmented structures, row by row."""
    outcomes = {
        name: {
            "task": outcome.task,
            "score": outcome.score,
            "truth": outcome.truth,
            "thresholds": _thresholds(outcome, points[name]),
            "all": [figure.as_row() for figure in figures[Case(name)]],
            "groups": _groups(name, figures),
            "curves": _curves(outcome, ranks[name], fitted.get(name)) if name in ranks else volumes.get(name, {}),
            **({"calibration": fitted[name].told()} if name in fitted else {}),
        }
        for name, outcome in source.outcomes.items()
    }
    document = {
        "version": VERSION,
        "fingerprint": context.run.fingerprint,
        "run": source.run,
        "level": source.level,
        **account,
        "outcomes": outcomes,
    }
    return SideObject(METRICS_JSON, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode())


def described(run: RunFile) -> dict[str, Any]:
    """The run that is evaluated: when it was planned, with which models, how their input was prepared."""
    models = {name: {"uri": one.uri, "sha256": one.sha256, "format": one.format} for name, one in run.models.items()}
    prepare = {name: list(steps) for name, steps in run.prepare.items()}
    return {
        "name": run.name,
        "fingerprint": run.fingerprint,
        "planned": run.created,
        "models": models,
        "prepare": prepare,
        "carried": list(run.carry),
    }


def metrics_parquet(context: StageContext, figures: Mapping[Case, Sequence[Figure]]) -> SideObject:
    """The same figures in long form: a row each."""
    rows = [
        {"outcome": case.outcome, "group": case.group, "group_value": case.value, **figure.as_row()}
        for case, found in figures.items()
        for figure in found
    ]
    texts = ("outcome", "group", "group_value", "figure", "point")
    schema: dict[str, pl.DataType] = dict.fromkeys(texts, pl.String())
    schema |= {**dict.fromkeys(("value", "low", "high"), pl.Float64()), "note": pl.String()}
    return SideObject(METRICS_PARQUET, encode_frame(pl.DataFrame(rows, schema=schema), context.run.fingerprint))


def _thresholds(outcome: Outcome, points: Mapping[str, float]) -> dict[str, Any]:
    return {
        name: {
            "value": points[name],
            "rule": asked.model_dump(exclude_unset=True) if isinstance(asked, Rule) else "given",
            "chosen_on": "tuning" if isinstance(asked, Rule) else None,
        }
        for name, asked in outcome.thresholds.items()
    }


def _groups(outcome: str, figures: Mapping[Case, Sequence[Figure]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for case, rows in figures.items():
        if case.outcome == outcome and case.group:
            found.setdefault(case.group, {})[case.value] = [figure.as_row() for figure in rows]
    return found


def _curves(outcome: Outcome, ranks: Ranks, fitted: Fitted | FittedClasses | None) -> dict[str, Any]:
    """For pictures: ROC, precision and recall, distribution by class; of probabilities calibration and net benefit;
    of calibrated scores calibration once more."""
    if ranks.lacks:
        return {}
    false, true = roc_curve(ranks)
    recall, precision = precision_recall_curve(ranks)
    found: dict[str, Any] = {
        "roc": {"false_positive_rate": _plain(false), "true_positive_rate": _plain(true)},
        "precision_recall": {"recall": _plain(recall), "precision": _plain(precision)},
        "distribution": _distribution(ranks),
    }
    if isinstance(fitted, Fitted):
        found |= {f"calibrated_{name}": curve for name, curve in _calibration(fitted.after).items()}
    if not outcome.probability or ranks.scores[0] < 0 or ranks.scores[-1] > 1:
        return found
    curve = decision_curve(ranks, np.arange(1, 100) / 100)
    found["net_benefit"] = _fields(curve, "probabilities", "model", "everybody")
    curves = _calibration(ranks)
    return found | {"calibration" if name == "smooth" else "calibration_groups": one for name, one in curves.items()}


def _calibration(ranks: Ranks) -> dict[str, Any]:
    """Groups of rows, and the smooth curve where they carry one."""
    if ranks.lacks:
        return {}
    mean, share, rows = grouped(ranks)
    found: dict[str, Any] = {
        "groups": {"predicted": _plain(mean), "observed": _plain(share), "rows": _plain(rows)},
    }
    smooth = smooth_curve(ranks)
    if smooth is not None:
        found["smooth"] = _fields(smooth, "predicted", "observed", "low", "high")
    return found


def _distribution(ranks: Ranks) -> dict[str, Any]:
    edges = np.linspace(min(0.0, ranks.scores[0]), max(1.0, ranks.scores[-1]), _BINS + 1)
    count = {
        name: _plain(np.histogram(ranks.scores, edges, weights=getattr(ranks, name))[0])
        for name in ("positives", "negatives")
    }
    return {"edges": _plain(edges), **count}


def _fields(curve: object, *names: str) -> dict[str, list[float]]:
    return {name: _plain(getattr(curve, name)) for name in names}


def _plain(values: Floats) -> list[float]:
    return [round(float(value), 9) for value in values]
