"""The histories are as they are said to be, and the plain contestant scores as the format does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.benchmarks import bench_events, histories
from tests.benchmarks.contestants import dataloader
from workers.contract import Placement
from workers.ehr.events.contract import Histories
from workers.ehr.events.formats import directory

SUBJECTS = 300


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> histories.Dataset:
    return histories.dataset(tmp_path_factory.mktemp("histories"), SUBJECTS)


def test_a_subjects_events_lie_together_in_order_and_its_label_is_at_the_last(made: histories.Dataset) -> None:
    (path,) = histories.data_files(made.root)
    table = pq.read_table(path)
    assert table.schema.field("code").type == pa.string()
    subject = table["subject_id"].to_numpy()
    time = table["time"].cast(pa.int64()).to_numpy()
    assert (np.diff(subject) >= 0).all()
    assert (np.diff(time)[np.diff(subject) == 0] >= 0).all()
    last = np.flatnonzero(np.append(np.diff(subject) > 0, True))
    labels = pq.read_table(made.labels)
    assert labels["subject_id"].to_pylist() == subject[last].tolist() == list(range(1, SUBJECTS + 1))
    assert labels["prediction_time"].cast(pa.int64()).to_pylist() == time[last].tolist()


def test_lengths_have_a_long_tail_and_the_mean_that_is_said() -> None:
    lengths = histories.lengths_of(100_000, np.random.default_rng(0))
    assert lengths.mean() == pytest.approx(histories.MEAN_EVENTS, rel=0.01)
    assert 45 < np.median(lengths) < 53
    assert lengths.max() > 3_000


def test_the_plain_contestant_scores_as_the_format_does(
    made: histories.Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = bench_events.write_model(tmp_path / "model", made)
    dataloader.main(made.root, model, SUBJECTS, tmp_path / "out.parquet")
    assert '"events"' in capsys.readouterr().out
    theirs = pq.read_table(tmp_path / "out.parquet").sort_by("subject_id")
    table = pq.read_table(histories.data_files(made.root)[0])
    counts = np.unique(table["subject_id"].to_numpy(), return_counts=True)[1]
    code = table["code"].combine_chunks().dictionary_encode()
    events = Histories(
        np.concatenate([[0], np.cumsum(counts)]),
        np.zeros(SUBJECTS, np.int64),
        code.dictionary.to_pylist(),
        code.indices.to_numpy(),
        np.zeros(len(code), np.int64),
        np.full(len(code), np.nan, np.float32),
    )
    card = directory.FORMAT.describe(model)
    ours = directory.FORMAT.load(model, card, Placement("cpu", 1)).score(
        [directory.FORMAT.open_encoder(model, card, 1).encode(events)]
    )
    np.testing.assert_allclose(theirs["p"].to_numpy(), ours["score_outcome"], rtol=0, atol=1e-5)
    assert np.ptp(theirs["p"].to_numpy()) > 0.01
