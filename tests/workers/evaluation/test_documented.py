"""Every key of `metrics.json` stands in docs/evaluation.md, and every key that stands there is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.made_run import make_run
from tests.workers.evaluation.support import evaluated, screened
from workers.evaluation.columns import SUBJECT, masks_column
from workers.evaluation.mask_sums import MEANS, MaskSums
from workers.evaluation.settings import EvaluateInput

DOCS = Path(__file__).parents[3] / "docs" / "evaluation.md"
NAMED = (
    "outcomes",
    "outcomes.*.thresholds",
    "outcomes.*.curves.volumes",
    "outcomes.*.groups",
    "outcomes.*.groups.*",
    "together",
    "fairness",
    "fairness.*",
    "evaluated.models",
    "evaluated.prepare",
)
"""Keys whose own keys are names that a spec or its rows give."""
FIGURES = ("outcomes.*.all[]", "outcomes.*.groups.*.*[]", "together.*[]", "fairness.*.*[]")
WHOLE = ("outcomes.*.thresholds.*.rule", "outcomes.*.calibration.test_rows")


def keys(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all keys, `*` for a name, `[]` for what is in a list."""
    if isinstance(value, dict) and path not in WHOLE:
        for key, inside in value.items():
            at = f"{path}.{'*' if path in NAMED else key}".lstrip(".")
            yield at
            yield from keys(inside, at)
    elif isinstance(value, list):
        for one in value:
            yield from keys(one, f"{path}[]")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The keys of two evaluations that ask for all there is."""
    folder = tmp_path_factory.mktemp("documented")
    rows = screened(600).with_columns(ill=pl.col("sick"), late=pl.col("score"))
    rows.select("record_id", "sick", "ill", "sex").write_csv(folder / "labels.csv")
    make_run(folder / "other", rows.select("record_id", "score"), ("score",))
    outcome = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5, "best": {"best": "youden"}}}
    found = evaluated(
        folder,
        rows.select("record_id", "score", "late", "split", pl.col("sick").alias("told")),
        scores=("score", "late"),
        outcomes={"sick": outcome, "ill": {"score": "late", "truth": "ill"}},
        labels={"uri": str(folder / "labels.csv")},
        compare={"run": str(folder / "other"), "scores": {"ill": "score"}},
        groups={"sex": {}},
        together={"all": ["sick", "ill"]},
        tuning={"split": "tuning"},
        calibration={"method": "platt", "outcomes": ["sick"]},
    )
    return {*keys(found), *keys(marked(), "outcomes.*.curves")}


def marked() -> dict[str, Any]:
    """Curves of an outcome of label maps."""
    outcome = {"task": "segmentation", "score": "mask", "truth": "uri", "structures": {"spot": 1}}
    sums = MaskSums("spots", EvaluateInput.model_validate({"run": "run", "outcomes": {"spots": outcome}}))
    cell = dict.fromkeys(("predicted", "true", *MEANS, "predicted_ml", "true_ml"), 1.0)
    rows = pl.DataFrame({SUBJECT: ["a"], masks_column("spots"): [[cell]]})
    sums.add(rows, rows.clear())
    return {"volumes": sums.volumes()}


def documented() -> set[str]:
    (section,) = re.findall(r"\n## metrics\.json, key by key\n(.*?)(?:\n## |\Z)", DOCS.read_text(), re.DOTALL)
    return {
        key
        for line in section.splitlines()
        if line.startswith("| `")
        for key in re.findall(r"`([^`]+)`", line.split("|")[1])
    }


def test_every_key_that_is_written_is_documented_and_the_other_way_round(written: set[str]) -> None:
    # Names of models and steps are those of the run that is evaluated; the made one has none.
    of_models = {key for key in documented() if key.startswith(("evaluated.models.*", "evaluated.prepare.*"))}
    own = {key for key in written if not key.startswith(FIGURES)}
    assert own - documented() == set()
    assert documented() - own == of_models


def test_figures_are_rows_of_one_kind_wherever_they_stand(written: set[str]) -> None:
    fields = {"figure", "point", "value", "low", "high", "note"}
    for place in FIGURES:
        assert {key.removeprefix(f"{place}.") for key in written if key.startswith(f"{place}.")} == fields, place
