"""Run by the interpreter of the oracles: `metric_oracle.py ROWS` prints what statsmodels, dcurves and fairlearn say.

ROWS is Parquet with `score`, `label`, `other` (another score), `group`, `grade` and `said` (two gradings, 0 to 3).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import dcurves
import fairlearn.metrics as fair
import numpy as np
import pandas as pd
import patsy
import statsmodels.api as sm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint


def main() -> None:
    """One JSON object: a figure or several numbers by name."""
    rows = pd.read_parquet(sys.argv[1])
    print(json.dumps({name: np.asarray(value, float).tolist() for name, value in _found(rows)}))


def _found(rows: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    label, said = rows["label"].to_numpy(), (rows["score"] >= 0.5).to_numpy()
    positives, right = int(label.sum()), int((said & (label == 1)).sum())
    yield "wilson", proportion_confint(right, positives, method="wilson")
    yield "clopper_pearson", proportion_confint(right, positives, method="beta")
    women = (rows["group"] == "F").to_numpy()
    cells = [int(part.sum()) for part in (said & women, women, said & ~women, ~women)]
    yield "newcombe", confint_proportions_2indep(*cells, compare="diff", method="newcomb")
    yield from _calibration(rows["score"].to_numpy(), label)
    yield from _gradings(rows)
    yield from _two_models(rows, label)
    curve = dcurves.dca(rows, "label", ["score"], thresholds=np.arange(1, 100) / 100)
    for model in ("score", "all"):
        yield f"net_benefit {model}", curve[curve["model"] == model].sort_values("threshold")["net_benefit"]
    told = {"y_true": label, "y_pred": said.astype(int), "sensitive_features": rows["group"]}
    yield "equal_opportunity_difference", fair.equal_opportunity_difference(**told)
    yield "equalised_odds_difference", fair.equalized_odds_difference(**told)
    yield "demographic_parity_difference", fair.demographic_parity_difference(**told)


def _calibration(score: np.ndarray, label: np.ndarray) -> Iterator[tuple[str, Any]]:
    logit = np.log(score) - np.log1p(-score)
    settings = {"family": sm.families.Binomial()}
    slope = sm.GLM(label, sm.add_constant(logit), **settings).fit(tol=1e-14)
    yield "slope", [slope.params[1], *slope.conf_int()[1]]
    large = sm.GLM(label, np.ones(len(label)), offset=logit, **settings).fit(tol=1e-14)
    yield "intercept", [large.params[0], *large.conf_int()[0]]
    low, *inner, high = np.quantile(logit, (0.05, 0.35, 0.65, 0.95), method="inverted_cdf")
    given = {"x": logit, "k": inner, "low": low, "high": high}
    basis = patsy.dmatrix("cr(x, knots=k, lower_bound=low, upper_bound=high) - 1", given)
    fitted = sm.GLM(label, np.asarray(basis), **settings).fit(tol=1e-14).fittedvalues
    yield "integrated_calibration_index", np.abs(fitted - score).mean()


def _gradings(rows: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    table = np.zeros((4, 4))
    np.add.at(table, (rows["grade"], rows["said"]), 1)
    for power, weights in ((0, None), (1, "linear"), (2, "quadratic")):
        found = cohens_kappa(table, wt=weights)
        yield f"kappa {power}", [found.kappa, found.kappa_low, found.kappa_upp]


def _two_models(rows: pd.DataFrame, label: np.ndarray) -> Iterator[tuple[str, Any]]:
    right = [((rows[name] >= 0.5).to_numpy() == (label == 1))[label == 1] for name in ("score", "other")]
    table = [[int((a & b).sum()) for b in (right[1], ~right[1])] for a in (right[0], ~right[0])]
    yield "mcnemar", mcnemar(table, exact=True).pvalue


if __name__ == "__main__":
    main()
