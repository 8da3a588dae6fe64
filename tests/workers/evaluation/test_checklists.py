"""The STARD-AI table of an evaluation's report."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from cluster.storage import open_store
from jobs.report_file import write_report
from schemas.errors import SpecError
from schemas.spec import parse_spec
from tests.support.made_run import make_run
from tests.support.runs import run
from tests.workers.evaluation.support import screened, spec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("stard")
    uri = make_run(found / "run", screened(), ("score",))
    outcome = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5}}
    run(
        spec(
            uri,
            found / "out",
            outcomes={"sick": outcome},
            groups={"sex": {}},
            tuning={"split": "tuning"},
            calibration={"method": "platt"},
            statements={"6": "Approved by <the board>, 17/2026."},
        )
    )
    return found


def page_of(folder: Path, text: str | None = None) -> str:
    write_report(open_store(str(folder / "out")), None if text is None else parse_spec(text))
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


def rows_of(page: str) -> dict[str, list[str]]:
    """The cells of each item, tags left out."""
    section = page.partition('<h2 id="section-stard-ai">')[2].partition("<h2")[0]
    found = {}
    for row in re.findall(r"<tr role=\"row\">(.*?)</tr>", section, re.DOTALL):
        cells = [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
        if cells:
            found[cells[0]] = cells[1:]
    return found


def test_each_item_is_told_or_said_not_to_be(folder: Path) -> None:
    page = page_of(folder)
    found = rows_of(page)
    assert len(found) == 19
    assert found["6"][1:] == ["", "Approved by &lt;the board&gt;, 17/2026."]
    assert found["12"][1:] == ["", "not stated"]
    assert found["25, 28-29"][1:] == ["not stated", ""]
    assert found["15c"][1] == "sick half: 0.5 (given)"
    assert "area 0." in found["1-4"][1]
    assert found["TRIPOD+AI 12f"][1] == "platt, on tuning rows"
    assert "Blank: 1-4, 8-11, 12, 15a-b, 16-17, 25, 28-29, 32-39, 40." in page


def test_rows_add_up_to_those_of_the_run(folder: Path) -> None:
    told = rows_of(page_of(folder))["24"][1]
    whole, parts = told.split(" rows of the run: ")
    assert {part.rpartition(" ")[0] for part in parts.split(", ")} == {"tuning", "evaluated"}
    assert int(whole) == 600 == sum(int(part.rpartition(" ")[2]) for part in parts.split(", "))


def test_what_it_leads_to_is_there(folder: Path) -> None:
    page = page_of(folder)
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert {"section-sick", "account", "decided", "where"} <= anchors
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


def test_words_of_the_author_can_be_added_without_evaluating_again(folder: Path) -> None:
    again = yaml.safe_load(spec(str(folder / "run"), folder / "out"))
    again["input"]["statements"] = {"12": "Two radiologists."}
    found = rows_of(page_of(folder, yaml.safe_dump(again)))
    assert (found["12"][2], found["6"][2]) == ("Two radiologists.", "not stated")


def test_words_for_an_item_that_there_is_not_are_refused(folder: Path) -> None:
    with pytest.raises(SpecError, match="statements"):
        run(spec(str(folder / "run"), folder / "other", statements={"99": "x"}))


def test_an_evaluation_that_does_not_say_what_it_evaluated_has_no_table(folder: Path, tmp_path: Path) -> None:
    older = Path(shutil.copytree(folder / "out", tmp_path / "out"))
    document = json.loads((older / "metrics.json").read_text())
    del document["evaluated"]
    (older / "metrics.json").write_text(json.dumps(document))
    assert "STARD-AI" not in page_of(tmp_path)
