"""A training that is killed at any moment goes on with the same command, and ends with the same bits."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.verification.verify import verify
from tests.support.runs import run
from tests.support.small_run import finish, start
from tests.support.train_runs import train_spec, weights

OFTEN = "limits: {checkpoint_every: 0s}\n"
FIT = "epochs: 4, learning_rate: 0.01, average: 0.9"
POINTS = ["commit.before_put:3", "fit.step:5", "checkpoint.before_put:4", "checkpoint.after_put:4", "side.after_put:2"]
"""While it prepares, in the middle of an epoch, on both sides of a checkpoint's commit, while it puts weights away."""
LATE = ["commit.before_put:40", "side.before_put:5", "side.after_put:6", "manifest.before_put"]


def written(folder: Path, output: str) -> Path:
    path = folder / f"{output}.yaml"
    path.write_text(train_spec(folder, folder / output, "seeds: [1, 2]", OFTEN, FIT))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, and a training that nobody disturbs in `clean`."""
    folder = tmp_path_factory.mktemp("train-crashes")
    run(written(folder, "clean").read_text())
    return folder


def assert_same_bits(folder: Path, output: str) -> None:
    verify(open_store(str(folder / output)))
    assert weights(folder / output) == weights(folder / "clean")
    for name in ("config.json", "model_card.md"):
        mine, clean = ((folder / one / "model" / name).read_bytes() for one in (output, "clean"))
        assert mine == clean


@pytest.mark.parametrize(
    "point", ["checkpoint.after_put:3", *(pytest.param(one, marks=pytest.mark.long) for one in [*POINTS, *LATE])]
)
def test_a_training_killed_at_this_step_ends_with_the_same_bits(folder: Path, point: str) -> None:
    output = point.replace(":", "-")
    code, _ = finish(start(written(folder, output), {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = finish(start(written(folder, output)))
    assert code == 0, said
    assert_same_bits(folder, output)
