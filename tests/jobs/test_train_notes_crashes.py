"""A training over notes that is killed goes on with the same command, and ends with the same bits."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.verification.verify import verify
from tests.support.planted_notes import planted_notes, train_spec
from tests.support.runs import run
from tests.support.small_run import finish, start
from tests.support.text_models import save_model
from tests.support.train_runs import weights

OFTEN = "limits: {checkpoint_every: 0s}\n"
FIT = "fit: {epochs: 3, batch: 16, learning_rate: 0.005, average: 0.9}"


@pytest.mark.long
@pytest.mark.parametrize("network", ["word_rnn", "huggingface"])
def test_a_training_killed_while_it_fits_ends_with_the_same_bits(tmp_path: Path, network: str) -> None:
    planted_notes(60).write_parquet(tmp_path / "notes.parquet")
    if network == "huggingface":
        keys = f"{FIT}\nnetwork: {{name: huggingface}}\nstart: {save_model(tmp_path / 'base', 'bert', '')}"
    else:
        keys = f"{FIT}\nnetwork: {{name: word_rnn, settings: {{embedding: 4, hidden: 4, dropout: 0.2}}}}"
    run(train_spec(tmp_path, tmp_path / "clean", keys, OFTEN))
    spec = tmp_path / "spec.yaml"
    spec.write_text(train_spec(tmp_path, tmp_path / "killed", keys, OFTEN))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": "fit.step:4"}))
    assert code == -signal.SIGKILL
    assert list((tmp_path / "killed").glob("stages/fit/checkpoints/seed-0/*.safetensors"))
    run(spec.read_text())
    verify(open_store(str(tmp_path / "killed")))
    assert weights(tmp_path / "killed") == weights(tmp_path / "clean")
