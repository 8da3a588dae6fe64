"""Run with our own torch and the oracles' torchmetrics: `torchmetrics_oracle.py FOLDER ROWS` prints what it finds.

FOLDER holds the packages of the oracles, and comes behind our own. ROWS as for `metric_oracle`, with `number` and
`predicted`, a measured and a predicted number.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import polars as pl
import torch


def main() -> None:
    """One JSON object: a figure by name."""
    sys.path.append(sys.argv[1])
    print(json.dumps(dict(_found(pl.read_parquet(sys.argv[2])))))


def _found(rows: pl.DataFrame) -> Iterator[tuple[str, float]]:
    import torchmetrics.functional as of

    score, label = torch.tensor(rows["score"].to_numpy()), torch.tensor(rows["label"].to_numpy())
    binary = {"task": "binary"}
    yield "auroc", float(of.auroc(score, label, **binary))
    yield "average_precision", float(of.average_precision(score, label, **binary))
    yield "mcc", float(of.matthews_corrcoef(score, label, **binary))
    yield "f1", float(of.f1_score(score, label, **binary))
    said = {"task": "multiclass", "num_classes": 2, "average": "macro"}
    yield "balanced_accuracy", float(of.accuracy((score >= 0.5).long(), label, **said))
    for name, least in (("sensitivity", "specificity"), ("specificity", "sensitivity")):
        figure = getattr(of, f"{name}_at_{least}")
        yield f"{name} at {least} 0.9", float(figure(score, label, **{f"min_{least}": 0.9}, **binary)[0])
    grade, said = torch.tensor(rows["grade"].to_numpy()), torch.tensor(rows["said"].to_numpy())
    for power, weights in ((0, None), (1, "linear"), (2, "quadratic")):
        yield f"kappa {power}", float(of.cohen_kappa(said, grade, task="multiclass", num_classes=4, weights=weights))
    number, predicted = torch.tensor(rows["number"].to_numpy()), torch.tensor(rows["predicted"].to_numpy())
    yield "mean_absolute_error", float(of.mean_absolute_error(predicted, number))
    yield "root_mean_squared_error", float(of.mean_squared_error(predicted, number, squared=False))
    yield "r_squared", float(of.r2_score(predicted, number))
    yield "pearson", float(of.pearson_corrcoef(predicted, number))
    yield "concordance", float(of.concordance_corrcoef(predicted, number))


if __name__ == "__main__":
    main()
