"""Small counts of groups are hidden at operating points and in crossed groups, in every file of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support.made_run import make_run
from tests.support.runs import run
from tests.workers.evaluation.support import evaluated, figures, screened, spec

LEAST = 10
SIDES = ("true_positives", "false_negatives", "false_positives", "true_negatives")
OUTCOME = {"score": "score", "truth": "sick", "thresholds": {"half": 0.5, "low": 0.1}}
GROUPS = {"sex": {}, "site": {}, "both": {"cross": ["sex", "site"]}}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    chance = np.random.default_rng(2)
    rows = screened(900).with_columns(site=chance.choice(["A", "B", "C"], 900, p=[0.5, 0.4, 0.1]))
    lost = pl.Series(chance.random(900) < 0.05)
    rows = rows.with_columns(status=pl.when(lost).then(pl.lit("unreadable")).otherwise(pl.lit("ok")))
    rows = rows.with_columns(score=pl.when(lost).then(None).otherwise("score").cast(pl.Float32))
    folder = tmp_path_factory.mktemp("suppressed")
    told = evaluated(folder, rows, outcomes={"sick": OUTCOME}, groups=GROUPS, suppress_below=LEAST)
    return {**told, "parquet": pl.read_parquet(folder / "out" / "metrics.parquet")}


def groups(found: dict[str, Any]) -> list[tuple[str, str, dict[tuple[str, str], Any]]]:
    named = found["outcomes"]["sick"]["groups"]
    return [(name, value, figures(found, group=name, value=value)) for name in named for value in named[name]]


def test_crossed_groups_are_every_combination(found: dict[str, Any]) -> None:
    crossed = {f"sex={sex}, site={site}" for sex in "FM" for site in "ABC"}
    assert set(found["outcomes"]["sick"]["groups"]["both"]) == crossed


def test_no_count_of_a_group_that_is_shown_is_small_nor_what_a_share_tells(found: dict[str, Any]) -> None:
    hidden = 0
    for _, _, told in groups(found):
        if ("positives", "") not in told:
            continue
        rows = {"sensitivity": told["positives", ""]["value"], "specificity": told["negatives", ""]["value"]}
        for (figure, point), row in told.items():
            if figure in SIDES:
                hidden += row["value"] is None
                assert row["value"] is None or row["value"] == 0 or row["value"] >= LEAST, (figure, point)
            if figure in rows and row["value"] is not None:
                count = round(row["value"] * rows[figure])
                assert not 0 < count < LEAST
                assert not 0 < rows[figure] - count < LEAST
    assert hidden


def test_what_is_hidden_at_a_point_is_hidden_whole_and_in_every_file(found: dict[str, Any]) -> None:
    for name, value, told in groups(found):
        for point in ("half", "low"):
            if (SIDES[0], point) in told and told[SIDES[0], point]["value"] is None:
                there = found["parquet"].filter(
                    (pl.col("group") == name) & (pl.col("group_value") == value) & (pl.col("point") == point)
                )
                assert there.filter(pl.col("value").is_not_null())["figure"].to_list() == ["threshold"]
                assert not any(figure.endswith("_gap") and at == point for figure, at in told)


def test_what_is_left_of_the_total_and_of_margins_is_no_small_count(found: dict[str, Any]) -> None:
    whole = figures(found)
    by_group = {(name, value): told for name, value, told in groups(found)}
    margins: list[tuple[dict[tuple[str, str], Any], str, str]] = [
        (whole, group, "") for group in ("sex", "site", "both")
    ]
    margins += [(told, "both", f"{name}={value}") for (name, value), told in by_group.items() if name != "both"]
    looked_at = 0
    for of, group, within in margins:
        for key in [
            ("positives", ""),
            ("negatives", ""),
            *((side, point) for side in SIDES for point in ("half", "low")),
        ]:
            parts = [
                told.get(key, {}).get("value")
                for (name, value), told in by_group.items()
                if name == group and within in value
            ]
            if of.get(key, {}).get("value") is not None and any(part is not None for part in parts):
                left = of[key]["value"] - sum(part for part in parts if part is not None)
                looked_at += 1
                assert left == 0 or left >= LEAST, (key, group, within)
    assert looked_at > 20


def test_rows_without_a_score_are_not_told_of_where_they_are_few(found: dict[str, Any]) -> None:
    bounds = [row for _, _, told in groups(found) for (figure, _), row in told.items() if figure.endswith("_bounds")]
    assert bounds
    notes = {row["note"] for row in bounds if row["value"] is not None}
    assert all(int(note.split()[0]) >= LEAST for note in notes)


def test_classes_are_hidden_one_by_one_and_with_them_what_is_of_all(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    grade = np.arange(300) % 3
    scores = {f"of{one}": (chance.random(300) / 4 + (grade == one)).astype(np.float32) for one in range(3)}
    rows = pl.DataFrame(
        {"record_id": [f"r{at}" for at in range(300)], "grade": grade, **scores, "site": ["A"] * 295 + ["B"] * 5}
    )
    rows = rows.with_columns(site=pl.when(pl.int_range(300) < 100).then(pl.lit("C")).otherwise("site"))
    wrong = (pl.int_range(300) == 7) | (pl.int_range(300) == 200)
    rows = rows.with_columns(of0=pl.when(wrong).then(pl.lit(9.0)).otherwise("of0").cast(pl.Float32))
    outcome = {"task": "classes", "scores": {str(one): f"of{one}" for one in range(3)}, "truth": "grade"}
    told = evaluated(
        tmp_path, rows, scores=tuple(scores), outcomes={"sick": outcome}, groups={"site": {}}, suppress_below=LEAST
    )
    # One row of C is wrong; B is too small, and A tells of it and of C.
    one = figures(told, group="site", value="C")
    if ("accuracy", "") in one:
        assert one["accuracy", ""]["value"] is None
        assert one["kappa", ""]["value"] is None
    assert figures(told)["accuracy", ""]["value"] is not None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"both": {"cross": ["sex", "site"]}, "sex": {}}, "site is no group of a column"),
        ({"both": {"cross": ["sex"]}, "sex": {}}, "two groups at least"),
        ({"both": {"cross": ["sex", "age"], "column": "age"}, "sex": {}, "age": {}}, "leave column and bands out"),
        ({"id": {"column": "record_id"}}, "1,100 values among the test rows, and a group may have 1,000"),
    ],
)
def test_groups_that_are_none_are_refused(tmp_path: Path, asked: dict[str, Any], says: str) -> None:
    uri = make_run(tmp_path / "run", screened(1100), ("score",))
    with pytest.raises(SpecError, match=says):
        run(spec(uri, tmp_path / "out", groups=asked))
