"""What the acts of the demo tell of their results, on small results by hand."""

import json
from pathlib import Path

import polars as pl

from jobs.demo import digits, ehr, images


def write(folder: Path, frame: pl.DataFrame, shard: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(folder / f"shard-{shard:06d}.parquet")


def test_images_with_text_are_counted_over_all_shards(tmp_path: Path) -> None:
    rows = {"record_id": ["a", "b", "c"], "Modality": ["CT"] * 3, "text_regions": [1, 0, 0], "text_score": [0.9, 0, 0]}
    for shard, found in enumerate(([True, False, None], [True, True, False])):
        write(tmp_path / "predictions", pl.DataFrame({**rows, "text_found": found}), shard)
    assert images.flagged(tmp_path) == 3


def test_problems_are_counted_with_what_is_said_of_them(tmp_path: Path) -> None:
    def problem(**said: bool) -> dict[str, object]:
        flags = dict.fromkeys(("negated", "uncertain", "historical", "family"), False)
        return {"label": "PNEUMONIA", **flags, **said}

    notes = [[problem(), problem(negated=True, family=True)], [], [problem(negated=True)]]
    write(tmp_path / "notes" / "predictions", pl.DataFrame({"record_id": ["1", "2", "3"], "entities": notes}))
    assert ehr.problems(tmp_path) == {"named": 3, "negated": 2, "uncertain": 0, "historical": 0, "family": 1}


def test_the_lines_that_are_printed_run_and_show_the_result(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"record_id": ["a"], "Modality": ["CT"], "text_regions": [1], "text_score": [0.9], "text_found": [True]}
    )
    write(tmp_path / "predictions", frame)
    shown: list[object] = []
    exec("\n".join(images.look_lines(tmp_path)), {"print": shown.append})
    (table,) = shown
    assert isinstance(table, pl.DataFrame)
    assert table.rows() == [("a", "CT", 1, 0.9)]


def test_the_lines_of_the_hospital_run_too(tmp_path: Path) -> None:
    write(tmp_path / "hospital" / "account", pl.DataFrame({"status": ["ok", "ok"]}))
    entity = {"label": "X", "negated": False, "historical": True}
    write(tmp_path / "notes" / "predictions", pl.DataFrame({"record_id": ["1"], "entities": [[entity]]}))
    visit = {"record_id": ["1@x"], "last_event_time": [None], "n_events": [3], "oov_rate": [0.0], "score_risk": [0.5]}
    write(tmp_path / "events" / "predictions", pl.DataFrame(visit))
    shown: list[pl.DataFrame] = []
    exec("\n".join(ehr.look_lines(tmp_path)), {"print": shown.append})
    assert [table.height for table in shown] == [1, 1, 1]
    assert shown[1].rows() == [("1", "X", False, True)]


def test_a_third_of_the_digits_is_held_out_and_no_picture_is_there_twice() -> None:
    rows = list(digits.digits())
    assert len({name for name, *_ in rows}) == 1797
    assert sum(split == "held_out" for *_, split in rows) == 599
    assert {digit for _, _, digit, split in rows if split == "tuning"} == set(range(10))


def test_the_accuracy_is_that_of_the_figures(tmp_path: Path) -> None:
    row = {"figure": "accuracy", "value": 0.5, "low": 0.25, "high": 0.75}
    all_rows = [{"figure": "rows", "value": 599}, row]
    (tmp_path / "metrics.json").write_text(json.dumps({"outcomes": {"digit": {"all": all_rows}}}))
    assert digits.accuracy(tmp_path) == (0.5, 0.25, 0.75)
