"""The page about a finished run: what it tells, and that it is whole by itself."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from jobs.report_file import write_report
from tests.jobs.test_model_counts import two_models
from tests.support.runs import run
from tests.support.small_run import make_archive, write_spec

VOID = {"meta", "br", "rect"}


class Page(HTMLParser):
    """The rows of every table by its caption, the names of cells, and elements that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.open: list[str] = []
        self.drawings: list[str] = []
        self._caption = ""
        self._cell: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID or tag == "rect":
            self.open.append(tag)
        if tag in ("caption", "td", "th"):
            self._cell = []
        if tag == "tr":
            self.tables[self._caption].append([])
        if tag == "svg":
            self.drawings.append(given["aria-label"] or "")
        if tag == "td":
            assert given["data-name"]

    def handle_data(self, data: str) -> None:
        if self._cell is not None and self.open[-1] != "title":
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        text = "".join(self._cell or []).strip()
        if tag == "caption":
            self._caption = text
            self.tables[text] = []
        if tag in ("td", "th"):
            self.tables[self._caption][-1].append(text)


def page_of(out: Path) -> tuple[str, Page]:
    write_report(open_store(str(out)))
    text = (out / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    return text, page


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    """Two models over a table of images that says where each comes from and whose it is."""
    folder = tmp_path_factory.mktemp("report")
    make_archive(folder / "archive", images=24)
    names = [path.name for path in sorted((folder / "archive").iterdir())]
    columns = {
        "uri": names,
        "subject_id": [f"p{number // 2}" for number in range(len(names))],
        "site": [["Northern", "<Westgate>"][number % 2] for number in range(len(names))],
        "name": [f"Name of p{number // 2}" for number in range(len(names))],
    }
    from tests.chaos.archive import make_model

    make_model(folder / "model")
    pl.DataFrame(columns).write_csv(folder / "archive" / "table.csv")
    settings = "table.csv, subject_id: subject_id, carry: [site, name]}"
    run(two_models(folder).replace(f"{folder / 'archive'}}}", f"{folder / 'archive'}/{settings}"))
    return page_of(folder / "out")


def test_each_model_has_its_verdict_and_its_scores_with_their_distribution(several: tuple[str, Page]) -> None:
    _, page = several
    assert page.tables["Records by model"] == [
        ["model", "records", "ok", "unreadable", "out_of_contract", "not ok"],
        ["bad", "25", "0", "1", "24", "100.0 %"],
        ["mean", "25", "24", "1", "0", "4.0 %"],
    ]
    header, *rows = page.tables["Numbers of mean"]
    assert header == ["column", "records", "mean", "5 %", "median", "95 %", "lowest", "highest", "distribution"]
    assert {row[0]: row[1] for row in rows} == {"mean__scores[0]": "24", "mean__scores[1]": "24"}
    assert "Numbers of bad" not in page.tables
    assert any(words.startswith("Distribution of mean__scores[0]: 24 numbers from ") for words in page.drawings)


def test_statuses_are_told_by_what_was_carried_and_nobody_is_named(several: tuple[str, Page]) -> None:
    text, page = several
    header, *rows = page.tables["Records by site"]
    assert header == ["site", "model", "records", "ok", "unreadable", "out_of_contract", "not ok"]
    assert {(row[0], row[1]): row[2:5] for row in rows} == {
        ("<Westgate>", "bad"): ["12", "0", "1"],
        ("<Westgate>", "mean"): ["12", "11", "1"],
        ("Northern", "bad"): ["13", "0", "0"],
        ("Northern", "mean"): ["13", "13", "0"],
    }
    assert "Records by name" not in page.tables
    assert "Name of p" not in text
    assert "Not shown: <code>name</code>" in text


def test_scores_are_drawn_by_what_was_carried_from_the_same_end_to_the_same_end(several: tuple[str, Page]) -> None:
    _, page = several
    header, *rows = page.tables["Numbers of mean by site"]
    assert header[:3] == ["site", "column", "records"]
    assert {(row[0], row[1]): row[2] for row in rows} == {
        ("<Westgate>", "mean__scores[0]"): "11",
        ("<Westgate>", "mean__scores[1]"): "11",
        ("Northern", "mean__scores[0]"): "13",
        ("Northern", "mean__scores[1]"): "13",
    }
    assert "Numbers of mean by name" not in page.tables


def test_reasons_are_told(several: tuple[str, Page]) -> None:
    reasons = several[1].tables["Reasons"][1:]
    assert sum(int(row[2]) for row in reasons) == 25
    assert any("the model takes 3 channel" in row[1] for row in reasons)


def test_the_page_needs_nothing_else_and_no_script(several: tuple[str, Page]) -> None:
    text, _ = several
    assert not re.search(r"<(script|img|link|iframe|object)\b|@import|url\(|\bon\w+=", text)
    assert "default-src 'none'" in text
    for drawing in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(drawing)


def test_a_narrow_screen_and_a_dark_one_are_provided_for(several: tuple[str, Page]) -> None:
    text, _ = several
    assert "width=device-width" in text
    assert "@media (max-width: 48rem)" in text
    assert "@media (prefers-color-scheme: dark)" in text
    assert "overflow-wrap: anywhere" in text


def test_a_run_of_one_model_says_its_numbers_and_no_table_of_models(tmp_path: Path) -> None:
    run(write_spec(tmp_path, str(tmp_path / "out")).read_text())
    text, page = page_of(tmp_path / "out")
    assert "Records by model" not in page.tables
    assert [row[0] for row in page.tables["Numbers of mean"][1:]] == ["scores[0]", "scores[1]"]
    assert "Every planned record has exactly one row. Input " in text
    assert "Input 0 B" not in text
    assert "in 4 shards of 4" in text
    assert "<dt>numerics</dt><dd>float32</dd>" in text
