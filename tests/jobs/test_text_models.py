"""Text models through whole runs: rows are the models' own answers, whatever the shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.text_models import notes, save_model, scored
from workers.text_models import classification, token_classification

TEXTS = [*notes(40, longest=30), "", " ".join(notes(20, longest=60))]
LABELS = {0: "O", 1: "B-NAME", 2: "I-NAME"}
WINDOWS = "windows: {window: 60, stride: 12}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    save_model(folder / "risk", "bert", "SequenceClassification", id2label={0: "Low", 1: "Middle", 2: "High"})
    save_model(folder / "names", "roberta", "TokenClassification", num_labels=3, id2label=LABELS)
    ids = [f"n{row}" for row in range(len(TEXTS))]
    pl.DataFrame({"note_id": ids, "text": TEXTS}).write_parquet(folder / "notes.parquet")
    return folder


def spec(folder: Path, out: Path, models: tuple[str, ...], shard_records: int, prepare: str = WINDOWS) -> str:
    listed = ", ".join(f"{name}: {{uri: {folder / name}}}" for name in models)
    return f"""
job: predict
name: texts
input: {{collection: notes, uri: {folder / "notes.parquet"}}}
models: {{{listed}}}
prepare: [{{{prepare}}}]
output: {{uri: {out}}}
compute: {{pool: serial, workers: 1, cpus_per_worker: 1, shard_records: {shard_records}}}
"""


def test_rows_are_the_models_answers_and_do_not_depend_on_the_shards(folder: Path, tmp_path: Path) -> None:
    found = []
    for shard_records in (5, 1000):
        out = tmp_path / str(shard_records)
        run(spec(folder, out, ("risk", "names"), shard_records))
        found.append(rows(out))
    small, large = found
    assert small["status"].to_list() == ["ok"] * 40 + ["empty", "ok"]
    steps = [{"windows": {"window": 60, "stride": 12}}]
    given = [text for text in TEXTS if text]
    risk = scored(classification, folder / "risk", given, steps)
    names = scored(token_classification, folder / "names", given, steps)
    for table in found:
        kept = table.filter(pl.col("status") == "ok")
        for label in ("low", "middle", "high"):
            wanted = risk[f"score_{label}"]
            np.testing.assert_allclose(kept[f"risk__score_{label}"].to_numpy(), wanted, rtol=0, atol=1e-5)
        for entities, others in zip(kept["names__entities"].to_list(), names["entities"], strict=True):
            assert [(e["start"], e["end"], e["label"]) for e in entities] == [
                (e["start"], e["end"], e["label"]) for e in others
            ]
        assert kept["risk__n_windows"].to_list() == risk["n_windows"].tolist()
        assert not kept["names__truncated"].any()
    assert large["risk__n_windows"].max() > 3


def test_windows_that_the_model_cannot_take_are_refused_before_anything_is_planned(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=r"windows\.window is 600, the model takes at most 128 tokens"):
        run(spec(folder, tmp_path / "out", ("risk",), 10, "windows: {window: 600}"))
    assert not (tmp_path / "out").exists()
