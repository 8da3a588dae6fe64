"""Pictures of evaluations in the report of the run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from jobs.report_file import write_report
from tests.workers.evaluation.support import evaluated, screened
from workers.evaluation.pictures import pictures


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    outcome = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5}}
    evaluated(folder, screened(), outcomes={"sick": outcome}, groups={"sex": {}})
    return folder / "out"


def test_an_outcome_has_its_pictures(out: Path) -> None:
    titles = [picture.title for picture in pictures(open_store(str(out)))]
    assert titles[0] == "What became of the rows"
    assert titles[2].startswith("ROC curve, area 0.")
    assert titles[1:2] + titles[3:] == [
        "Scores by what was true",
        "Precision and recall",
        "Calibration",
        "Net benefit by threshold",
        "Area by sex",
    ]


def test_the_report_holds_them_and_loads_nothing(out: Path) -> None:
    write_report(open_store(str(out)))
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 7
    assert "half" in page
    assert "http://" not in page.replace("http://www.w3.org/", "")


def test_one_class_only_has_a_flow_and_no_curves(tmp_path: Path) -> None:
    evaluated(tmp_path, screened(80).with_columns(pl.lit(1).cast(pl.Int64).alias("sick")), groups={"sex": {}})
    titles = [picture.title for picture in pictures(open_store(str(tmp_path / "out")))]
    assert titles == ["What became of the rows"]
