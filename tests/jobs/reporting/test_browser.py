"""Reports as a real browser lays them out: on a phone, on a desk, on paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from cluster.storage import open_store
from jobs.report_file import write_report
from tests.chaos.archive import make_model
from tests.support import browser
from tests.support.runs import run
from tests.support.small_run import make_archive
from tests.workers.evaluation.support import evaluated, screened

pytestmark = pytest.mark.skipif(browser.BROWSER is None, reason=browser.WHY_NOT)

PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The reports of a run and of an evaluation."""
    folder = tmp_path_factory.mktemp("browser")
    make_archive(folder / "archive", images=240)
    make_model(folder / "model")
    names = sorted(path.name for path in (folder / "archive").iterdir())
    table = pl.DataFrame(
        {
            "uri": names,
            "subject_id": [f"p{number // 2}" for number in range(len(names))],
            "a_rather_long_name_of_a_carried_column": [["Northern", "Westgate"][n % 2] for n in range(len(names))],
        }
    )
    table.write_csv(folder / "archive" / "table.csv")
    carry = "[a_rather_long_name_of_a_carried_column]"
    run(
        f"""
job: predict
name: scores
input: {{collection: images, uri: {folder}/archive/table.csv, subject_id: subject_id, carry: {carry}}}
models: {{mean: {{uri: {folder}/model}}}}
output: {{uri: {folder}/scores}}
compute: {{pool: serial, shard_records: 40}}
"""
    )
    outcome = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5}}
    evaluated(folder / "figures", screened(), outcomes={"sick": outcome}, groups={"sex": {}})
    found = {"scores": folder / "scores", "figures": folder / "figures" / "out"}
    for run_directory in found.values():
        write_report(open_store(str(run_directory)))
    return {name: run_directory / "report.html" for name, run_directory in found.items()}


@pytest.mark.parametrize("name", ["scores", "figures"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_runs_off_the_edge_and_every_drawing_is_wide_enough_to_read(
    pages: dict[str, Path], name: str, width: int, tmp_path: Path
) -> None:
    found = browser.look(pages[name], width, tmp_path)
    assert found["beyond"] == []
    assert found["width"] <= width
    assert found["drawings"] > 0
    assert found["empty"] == 0


def test_a_page_that_runs_off_the_edge_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "wide.html"
    page.write_text("<html><body><p style='width:900px'>too wide</p></body></html>")
    assert browser.look(page, PHONE, tmp_path)["beyond"] == ["P: too wide"]


@pytest.mark.parametrize("name", ["scores", "figures"])
def test_a_screenshot_shows_ink_from_the_left_to_the_right(pages: dict[str, Path], name: str, tmp_path: Path) -> None:
    shot = np.asarray(Image.open(browser.picture(pages[name], PHONE, 2000, tmp_path)).convert("L"))
    inked = np.flatnonzero((shot != shot[0, 0]).any(axis=0))
    assert shot.shape == (2000, PHONE)
    assert 4 <= inked[0] <= 40
    assert PHONE - 40 <= inked[-1] <= PHONE - 4


def test_on_paper_a_report_has_pages(pages: dict[str, Path], tmp_path: Path) -> None:
    body = browser.printed(pages["figures"], tmp_path).read_bytes()
    assert body.startswith(b"%PDF-")
    assert body.count(b"/Type /Page\n") + body.count(b"/Type /Page ") + body.count(b"/Type /Page/") >= 2
