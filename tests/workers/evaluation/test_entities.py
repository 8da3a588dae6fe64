"""Evaluations of labelled spans, as models of notes give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support.made_run import make_run
from tests.support.runs import run
from tests.workers.evaluation.support import figures, spec

SPANS = "list<struct<start: int32, end: int32, label: string, score: float32>>"
OUTCOME = {"task": "entities", "score": "entities", "truth": "spans"}


def notes(number: int = 120, seed: int = 0) -> pl.DataFrame:
    """Notes with drugs and dates: of the true ones three in four are found, one in eight with another end."""
    generator = np.random.default_rng(seed)
    said, true = [], []
    for _ in range(number):
        here = [
            (20 * at, 20 * at + 6, str(generator.choice(["DRUG", "DATE"]))) for at in range(generator.integers(0, 6))
        ]
        true.append(json.dumps(here))
        found = [(a, b + int(generator.random() < 0.125), x) for a, b, x in here if generator.random() < 0.75]
        found += [(500, 505, "DRUG")] if generator.random() < 0.2 else []
        said.append([{"start": a, "end": b, "label": x, "score": 0.9} for a, b, x in found])
    kind = pl.List(pl.Struct({"start": pl.Int32, "end": pl.Int32, "label": pl.String, "score": pl.Float32}))
    return pl.DataFrame(
        {
            "record_id": [f"n{at:03d}" for at in range(number)],
            "entities": pl.Series(said, dtype=kind),
            "spans": true,
            "ward": generator.choice(["east", "west"], number),
        }
    )


def found_of(folder: Path, rows: pl.DataFrame, **settings: Any) -> dict[str, Any]:
    uri = make_run(folder / "run", rows, ("entities",), types={"entities": SPANS})
    run(spec(uri, folder / "out", **{"outcomes": {"drugs": OUTCOME}, **settings}))
    found: dict[str, Any] = json.loads((folder / "out" / "metrics.json").read_text())
    return found


def _sets(rows: pl.DataFrame, label: str | None = None) -> tuple[set[Any], set[Any]]:
    said, true = set(), set()
    for name, spans, text in rows.select("record_id", "entities", "spans").iter_rows():
        said |= {(name, one["start"], one["end"], one["label"]) for one in spans}
        true |= {(name, *one) for one in json.loads(text)}
    return tuple({one for one in spans if label in (None, one[3])} for spans in (said, true))


@pytest.mark.parametrize("label", ["", "DRUG", "DATE"])
def test_precision_and_recall_are_of_whole_spans(tmp_path: Path, label: str) -> None:
    rows = notes()
    at = figures(found_of(tmp_path, rows), "drugs")
    said, true = _sets(rows, label or None)
    assert at["entity_precision", label]["value"] == pytest.approx(len(said & true) / len(said), abs=1e-12)
    recall = at["entity_recall", label]
    assert recall["value"] == pytest.approx(len(said & true) / len(true), abs=1e-12)
    assert recall["low"] < recall["value"] < recall["high"]
    assert at["overlap_recall", label]["value"] > recall["value"]
    assert at["true_entities", label]["value"] == len(true)


def test_the_mean_of_labels_and_groups_are_told(tmp_path: Path) -> None:
    rows = notes()
    found = found_of(tmp_path, rows, groups={"ward": {}})
    at = figures(found, "drugs")
    both = [at["entity_f1", label]["value"] for label in ("DRUG", "DATE")]
    assert at["macro_entity_f1", ""]["value"] == pytest.approx(np.mean(both))
    east = figures(found, "drugs", "ward", "east")
    said, true = _sets(rows.filter(pl.col("ward") == "east"))
    assert east["entity_recall", ""]["value"] == pytest.approx(len(said & true) / len(true))


def test_notes_of_one_person_widen_the_interval(tmp_path: Path) -> None:
    once = notes(40)
    rows = pl.concat([once.with_columns(pl.col("record_id") + f"-{copy}") for copy in range(6)])
    rows = rows.with_columns(subject_id=pl.col("record_id").str.head(4))
    widths = []
    for name, part in (("alone", rows.drop("subject_id")), ("persons", rows)):
        recall = figures(found_of(tmp_path / name, part), "drugs")["entity_recall", ""]
        widths.append(recall["high"] - recall["low"])
    assert widths[1] > 1.6 * widths[0]


def test_notes_without_a_truth_are_counted_and_left_out(tmp_path: Path) -> None:
    rows = notes().with_columns(pl.when(pl.int_range(120) < 20).then(None).otherwise("spans").alias("spans"))
    found = found_of(tmp_path, rows)
    assert {cell["state"]: cell["rows"] for cell in found["flow"]} == {"evaluated": 100, "no truth": 20}
    assert figures(found, "drugs")["rows", ""]["value"] == 100


@pytest.mark.parametrize("text", ["DRUG", '[[5, 3, "DRUG"]]', "[[0, 3]]", "{}x", "[[0, 3, 7]]"])
def test_a_truth_that_holds_no_spans_is_refused_without_its_words(tmp_path: Path, text: str) -> None:
    rows = notes(10).with_columns(pl.when(pl.int_range(10) == 4).then(pl.lit(text)).otherwise("spans").alias("spans"))
    with pytest.raises(SpecError, match=r"input.outcomes.drugs.truth: row 5 of a shard does not hold spans") as told:
        found_of(tmp_path, rows)
    assert "[5, 3" not in str(told.value)


def test_a_score_that_holds_no_spans_is_refused(tmp_path: Path) -> None:
    rows = notes(10).with_columns(pl.lit(0.5, pl.Float32).alias("score"))
    uri = make_run(tmp_path / "run", rows.drop("entities"), ("score",))
    with pytest.raises(SpecError, match="does not hold spans"):
        run(spec(uri, tmp_path / "out", outcomes={"drugs": {**OUTCOME, "score": "score"}}))


def test_truths_may_be_lists_in_a_table_of_labels(tmp_path: Path) -> None:
    rows = notes(60)
    kind = pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "label": pl.String}))
    lists = [
        [{"start": start, "end": end, "label": label} for start, end, label in json.loads(text)]
        for text in rows["spans"]
    ]
    labels = rows.select("record_id").with_columns(pl.Series("spans", lists, kind))
    labels.write_parquet(tmp_path / "labels.parquet")
    as_text = figures(found_of(tmp_path / "text", rows), "drugs")
    table = {"uri": str(tmp_path / "labels.parquet")}
    as_lists = figures(found_of(tmp_path / "lists", rows.drop("spans"), labels=table), "drugs")
    assert as_lists == as_text
