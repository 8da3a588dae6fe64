"""Each model has its own account: counts, reasons, a limit; a run in which nothing fits says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.storage import open_store
from jobs.cli.summary import as_table, warnings
from jobs.rows import rows_with
from jobs.verification.verify import verify
from schemas.errors import RejectLimitError
from tests.support.runs import run
from tests.support.small_run import write_spec


def two_models(folder: Path, limits: str = "") -> str:
    """One that scores all of twelve images, and one that takes three channels and gets one."""
    text = write_spec(folder, str(folder / "out"), more=limits).read_text()
    return text.replace("models: {", f"models: {{bad: {{uri: {three_channels(folder)}}}, ")


def three_channels(folder: Path) -> Path:
    import onnx

    model = onnx.load(folder / "model" / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 3
    weight = model.graph.initializer[0]
    weight.dims[:] = [2, 3, 3, 3]
    weight.raw_data = weight.raw_data * 3
    (folder / "bad").mkdir(exist_ok=True)
    onnx.save(model, folder / "bad" / "model.onnx")
    (folder / "bad" / "wardround.json").write_text('{"format": "onnx", "prepare": [{"channels": {"to": 1}}]}')
    return folder / "bad"


def test_counts_and_reasons_of_each_model_are_in_summary_manifest_and_rows(tmp_path: Path) -> None:
    outcome = run(two_models(tmp_path))
    counted = {(row["model"], row["status"]): row["records"] for row in outcome.manifest.tables["records by model"]}
    assert counted == {("bad", "out_of_contract"): 12, ("bad", "unreadable"): 1} | {
        ("mean", "ok"): 12,
        ("mean", "unreadable"): 1,
    }
    assert "records by model" in as_table(outcome)
    assert any("model 'bad' scored not one record" in line for line in warnings(outcome))
    store = open_store(str(tmp_path / "out"))
    details = {row.detail for row in rows_with(store, ["out_of_contract"], "bad")}
    assert len(details) == 1
    assert details.pop().startswith("bad: the model takes 3 channel")
    verify(store)


def test_the_limit_holds_for_each_model(tmp_path: Path) -> None:
    with pytest.raises(RejectLimitError, match=r"sampled records were rejected in model 'bad' \(out_of_contract"):
        run(two_models(tmp_path, "limits: {max_rejects: 20%}\n"))


def test_a_run_in_which_nothing_was_scored_warns(tmp_path: Path) -> None:
    outcome = run(write_spec(tmp_path, str(tmp_path / "out"), more="prepare: [{channels: {to: 3}}]\n").read_text())
    assert any("not one of 13 records was scored (out_of_contract 12" in line for line in warnings(outcome))


def test_a_table_that_was_edited_after_its_run_is_told(tmp_path: Path) -> None:
    write_spec(tmp_path, str(tmp_path / "out"))
    table = tmp_path / "archive" / "table.csv"
    table.write_text("uri\n00.png\n01.png\n")
    text = write_spec(tmp_path, str(tmp_path / "out")).read_text().replace(f"{tmp_path / 'archive'}}}", f"{table}}}")
    assert warnings(run(text)) == []
    table.write_text("uri\n00.png\n01.png\n02.png\n")
    again: Any = run(text)
    assert again.nothing_to_do
    assert any("the input now has 3 records, the run 2" in line for line in warnings(again))
