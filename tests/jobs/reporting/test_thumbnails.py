"""Small pictures of the highest records in the report, where the spec asks for them."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from cluster.storage import open_store
from jobs.report_file import write_report
from schemas.errors import SpecError
from tests.support import browser
from tests.support.mistakes import world
from tests.support.runs import run


def spec(folder: Path, report: str, more: str = "") -> str:
    return f"""
job: predict
name: small pictures
input: {{collection: images, uri: {folder}/archive{more}}}
models: {{m: {{uri: {folder}/model}}}}
output: {{uri: {folder}/out}}
compute: {{pool: serial, shard_records: 4}}
report: {report}
"""


def fill(folder: Path) -> None:
    (folder / "archive").mkdir()
    (folder / "world").mkdir()
    chance = np.random.default_rng(5)
    for number in range(11):
        image = np.clip(chance.normal(20 * number, 8, (200, 320)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "archive" / f"Name-{number:02d}.png"), image)
    (folder / "archive" / "letter.txt").write_text("no image")
    world.native(folder / "world")
    (folder / "world" / "native").rename(folder / "model")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thumbnails")
    fill(folder)
    run(spec(folder, "{thumbnails: {of: score_pneumonia, most: 3}}"))
    return folder


def page_of(folder: Path) -> str:
    write_report(open_store(str(folder / "out")))
    return (folder / "out" / "report.html").read_text()


def test_the_highest_records_are_shown_and_not_named(finished: Path) -> None:
    text = page_of(finished)
    rows = pl.read_parquet(finished / "out/predictions/*.parquet").with_row_index()
    best = rows.drop_nulls("score_pneumonia").sort("score_pneumonia", "index", descending=[True, False]).head(3)
    told = re.findall(r"<figcaption>(\S+) \(shard (\d+), row (\d+)\)</figcaption>", text)
    assert [4 * int(shard) + int(row) for _, shard, row in told] == best["index"].to_list()
    assert [value for value, _, _ in told] == [f"{value:,.4g}" for value in best["score_pneumonia"]]
    pictures = [
        cv2.imdecode(np.frombuffer(base64.b64decode(body), np.uint8), cv2.IMREAD_UNCHANGED)
        for body in re.findall(r'href="data:image/png;base64,([^"]+)"', text)
    ]
    for name, picture in zip(best["record_id"], pictures, strict=True):
        image = cv2.imread(str(finished / "archive" / name), cv2.IMREAD_UNCHANGED).astype(np.float64)
        low, high = np.percentile(image, (0.5, 99.5))
        stretched = np.rint(np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
        expected = cv2.resize(stretched, (160, 100), interpolation=cv2.INTER_AREA)
        assert picture.shape == (100, 160)
        assert np.abs(picture.astype(int) - expected).max() <= 1
    assert "Name-" not in text
    assert "img-src data:" in text


@pytest.mark.skipif(browser.BROWSER is None, reason=browser.WHY_NOT)
def test_a_browser_draws_them(finished: Path, tmp_path: Path) -> None:
    page_of(finished)
    found = browser.look(finished / "out" / "report.html", 390, tmp_path)
    assert found["beyond"] == []
    assert found["drawings"] >= 3


def test_a_record_that_is_gone_or_changed_is_said_to_be(tmp_path: Path) -> None:
    fill(tmp_path)
    run(spec(tmp_path, "{thumbnails: {of: score_pneumonia, most: 100}}"))
    (tmp_path / "archive" / "Name-03.png").unlink()
    (tmp_path / "archive" / "Name-04.png").write_bytes((tmp_path / "archive" / "Name-05.png").read_bytes() + b"\0")
    text = page_of(tmp_path)
    assert text.count("it cannot be read any more, or has changed") == 2
    assert text.count("data:image/png") == 9


def test_without_being_asked_a_report_shows_no_record(tmp_path: Path) -> None:
    fill(tmp_path)
    run(spec(tmp_path, "{}"))
    text = page_of(tmp_path)
    assert "data:image" not in text
    assert "img-src" not in text


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("{of: score_pneumony}", "'score_pneumony' is no column of the rows, did you mean 'score_pneumonia'?"),
        ("{of: record_id}", "'record_id' is no column of the rows"),
        ("{of: score_pneumonia, most: 0}", "most"),
        ("{most: 3}", "of"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_the_run(tmp_path: Path, wanted: str, told: str) -> None:
    fill(tmp_path)
    with pytest.raises(SpecError, match=re.escape(told)):
        run(spec(tmp_path, f"{{thumbnails: {wanted}}}"))
    assert not (tmp_path / "out").exists()


def test_other_collections_have_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    world.notes(tmp_path / "world")
    with pytest.raises(SpecError, match=re.escape("report.thumbnails: there are pictures of images only; remove it")):
        run(
            f"""
job: predict
name: words
input: {{collection: notes, format: csv, uri: {tmp_path}/world/notes.csv, record_id: note_id}}
models: {{m: {{uri: {tmp_path}/world/words}}}}
output: {{uri: {tmp_path}/out}}
report: {{thumbnails: {{of: score_pneumonia}}}}
"""
        )
