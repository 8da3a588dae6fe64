"""A run over histories with models of our own format: scores of the plain network, statuses, totals in the manifest."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file

from cluster.storage import open_store
from jobs.cli.summary import as_json, as_table
from jobs.report_file import write_report
from jobs.running import Outcome
from tests.support import meds_data, runs
from workers.ehr.events.formats.make_directory import make_event_model_directory
from workers.ehr.events.networks import rnn
from workers.ehr.events.networks.packed import PackedHistories

NOW = datetime(2022, 1, 1)
SUBJECTS = range(1, 41)
KNOWN = [code for code in (*meds_data.CODES, "GENDER//F") if code != "DIAGNOSIS//I10"]
SPEC = """
job: predict
name: histories
input: {{collection: events, uri: {root}/meds, task: {{labels: {root}/labels.parquet}}}}
models:
  gru: {{uri: {root}/gru}}
  retain: {{uri: {root}/retain}}
output: {{uri: {root}/{out}}}
compute: {{pool: serial, shard_records: {shard}}}
limits: {{sample: 0}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("histories")
    rows = meds_data.events([*SUBJECTS])
    rare = pl.DataFrame(
        {"subject_id": [99], "time": [NOW - timedelta(days=3)], "code": ["DIAGNOSIS//I10"], "numeric_value": [None]},
        schema=rows.schema,
    )
    meds_data.write_dataset(root / "meds", [rows, rare])
    meds_data.write_labels(root / "labels.parquet", [(subject, NOW) for subject in (*SUBJECTS, 99)])
    codes = pa.table({"code": KNOWN})
    make_event_model_directory(
        root / "gru", "event_rnn", codes, 1, {"hidden": 8, "embedding": 4, "inputs": ["value", "delta"]}
    )
    make_event_model_directory(
        root / "retain",
        "retain",
        codes,
        2,
        {"hidden_alpha": 4, "hidden_beta": 4, "embedding": 4},
        encoding={"oov": "drop", "max_events": 8},
        outputs={"contributions": True, "codes": True},
    )
    return root


def plain_scores(root: Path) -> dict[str, float]:
    """Scores of the GRU, a subject at a time, from rows that polars has sorted and cut."""
    config = json.loads((root / "gru" / "config.json").read_text())
    network = rnn.build(rnn.Config.model_validate(config["settings"])).eval()
    network.load_state_dict(load_file(root / "gru" / "model.safetensors"))
    index = {code: place for place, code in enumerate(sorted(KNOWN), start=1)}
    rows = pl.read_parquet(root / "meds" / "data" / "*.parquet").filter(
        pl.col("time").is_null() | (pl.col("time") <= NOW)
    )
    scores = {}
    for (subject,), part in rows.group_by("subject_id"):
        time = part["time"].cast(pl.Int64).to_list()
        days = [(b - a) / 86_400e6 if a is not None else 0.0 for a, b in pairwise(time)]
        sequence = PackedHistories(
            torch.tensor([part.height]),
            torch.tensor([index.get(code, 0) for code in part["code"]]),
            {
                "value": torch.tensor(part["numeric_value"].fill_null(np.nan).to_numpy().copy()),
                "delta": torch.tensor([0.0, *days]),
            },
        )
        with torch.inference_mode():
            scores[str(subject)] = float(torch.sigmoid(network(sequence)))
    return scores


@pytest.fixture(scope="module")
def outcome(root: Path) -> Outcome:
    return runs.run(SPEC.format(root=root, out="large", shard=100))


@pytest.fixture(scope="module")
def rows(outcome: Outcome, root: Path) -> pl.DataFrame:
    return runs.rows(root / "large")


def test_scores_are_those_of_the_plain_network_whatever_the_shards(root: Path, rows: pl.DataFrame) -> None:
    expected = plain_scores(root)
    assert rows.height == len(expected) == len(SUBJECTS) + 1
    found = rows.select("subject_id", "gru__score_outcome").rows()
    assert max(abs(score - expected[subject]) for subject, score in found) < 1e-5
    runs.run(SPEC.format(root=root, out="small", shard=7))
    small = runs.rows(root / "small")
    for name in ("gru__score_outcome", "retain__score_outcome"):
        pairs = zip(rows[name], small[name], strict=True)
        assert all(a is b is None or abs(a - b) < 1e-6 for a, b in pairs)


def test_the_manifest_has_totals_over_all_rows(root: Path, rows: pl.DataFrame, outcome: Outcome) -> None:
    totals = outcome.manifest.totals
    assert totals["gru__oov_rate"] == pytest.approx(rows["gru__oov_rate"].cast(pl.Float64).mean())
    assert totals["gru__n_used"] == rows["gru__n_used"].sum()
    assert totals["retain__truncated"] == rows["retain__truncated"].mean() > 0
    assert as_json(outcome)["totals"] == totals
    assert "gru__oov_rate" in as_table(outcome)
    write_report(open_store(str(root / "large")))
    assert "mean of <code>gru__oov_rate</code>" in (root / "large" / "report.html").read_text()


def test_a_history_without_a_known_code_is_no_events_for_the_model_that_drops_them_alone(rows: pl.DataFrame) -> None:
    stranger = rows.row(by_predicate=pl.col("subject_id") == "99", named=True)
    assert (stranger["status"], stranger["gru__status"], stranger["retain__status"]) == ("ok", "ok", "no_events")
    assert stranger["gru__oov_rate"] == 1
    assert stranger["gru__score_outcome"] is not None
    assert stranger["retain__score_outcome"] is stranger["retain__contributions_outcome"] is None


def test_contributions_name_event_time_and_code(root: Path, rows: pl.DataFrame) -> None:
    events = pl.read_parquet(root / "meds" / "data" / "0.parquet").filter(pl.col("subject_id") == 5)
    row = rows.row(by_predicate=pl.col("subject_id") == "5", named=True)
    assert len(row["retain__contributions_outcome"]) == row["retain__n_used"]
    for each in row["retain__contributions_outcome"]:
        event = events.row(each["event"], named=True)
        assert (each["code"], each["time"]) == (event["code"], event["time"])
