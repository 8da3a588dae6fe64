"""A training that is killed at any moment goes on with the same command, and ends with the same bits."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.verification.verify import verify
from tests.support.runs import run
from tests.support.seaweed import S3
from tests.support.small_run import finish, go_on, start
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
    code, said = go_on(written(folder, output))
    assert code == 0, said
    assert_same_bits(folder, output)


def ends_in_time(happened: Callable[[], bool], limit_s: float = 120.0) -> None:
    """Wait until it has. Raises TimeoutError."""
    end = time.monotonic() + limit_s
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_training_killed_ten_times_ends_with_the_same_bits(tmp_path: Path) -> None:
    fit = "epochs: 30, learning_rate: 0.01"
    run(train_spec(tmp_path, tmp_path / "clean", "", OFTEN, fit))
    spec = tmp_path / "spec.yaml"
    spec.write_text(train_spec(tmp_path, tmp_path / "out", "", OFTEN, fit))
    chance, seen = random.Random(5), 0
    for _ in range(10):
        process = start(spec, {"WARDROUND_HOLD_AT": "fit.step=0.03"})
        ends_in_time(partial(_has_gone_on, tmp_path / "out", seen))
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
        seen = _newest(tmp_path / "out")
    code, said = go_on(spec)
    assert code == 0, said
    assert_same_bits(tmp_path, "out")


def _has_gone_on(output: Path, seen: int) -> bool:
    return _newest(output) > seen + 2


def _newest(output: Path) -> int:
    numbers = [int(path.stem) for path in output.glob("stages/fit/checkpoints/seed-0/*.safetensors")]
    return max(numbers, default=0)


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_worker_that_is_killed_five_times_is_followed_by_one_that_goes_on(folder: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    text = train_spec(folder, tmp_path / "out", "seeds: [1, 2]", OFTEN, FIT)
    spec.write_text(text.replace("pool: serial", "pool: ray"))
    log = tmp_path / "steps"
    process = start(spec, {"WARDROUND_HOLD_AT": "fit.step=0.3", "WARDROUND_HOLD_LOG": str(log)})
    killed: set[int] = set()
    for _ in range(5):
        ends_in_time(lambda: bool(_workers(log) - killed))
        time.sleep(0.8)
        (worker,) = _workers(log) - killed
        killed.add(worker)
        os.kill(worker, signal.SIGKILL)
    code, said = finish(process, 300)
    assert code == 0, said
    verify(open_store(str(tmp_path / "out")))
    assert weights(tmp_path / "out") == weights(folder / "clean")


def _workers(log: Path) -> set[int]:
    lines = log.read_text().splitlines() if log.exists() else []
    return {int(line.split()[1]) for line in lines if line.count(" ") == 1}


@pytest.mark.long
def test_of_two_drivers_one_adopts_what_the_other_has_kept(folder: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(train_spec(folder, tmp_path / "out", "seeds: [1, 2]", OFTEN, FIT))
    ended = [finish(process, 280) for process in (start(spec), start(spec))]
    assert [code for code, _ in ended] == [0, 0], ended
    verify(open_store(str(tmp_path / "out")))
    assert weights(tmp_path / "out") == weights(folder / "clean")


@pytest.mark.long
@pytest.mark.parametrize("point", ["checkpoint.before_put:3", "checkpoint.after_put:3"])
def test_the_same_holds_on_a_real_s3_server(
    folder: Path, tmp_path: Path, s3: S3, bucket_prefix: str, point: str
) -> None:
    spec = tmp_path / "spec.yaml"
    more = f"{OFTEN}storage: {{endpoint_url: '{s3.endpoint_url}'}}\n"
    spec.write_text(train_spec(folder, bucket_prefix, "seeds: [1, 2]", more, FIT))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = go_on(spec)
    assert code == 0, said
    store = open_store(bucket_prefix, s3.settings)
    verify(store)
    there = {info.key.removeprefix("model/"): info.key for info in store.list("model/")}
    clean = weights(folder / "clean")
    assert {name: store.get(key) for name, key in there.items() if name in clean} == clean


@pytest.mark.long
def test_ctrl_c_says_that_the_same_command_goes_on_and_from_where(folder: Path) -> None:
    spec = folder / "stopped.yaml"
    spec.write_text(train_spec(folder, folder / "stopped", "", OFTEN, "epochs: 2000, learning_rate: 0.01"))
    process = start(spec)
    ends_in_time(lambda: bool(list((folder / "stopped").glob("stages/fit/checkpoints/seed-0/*"))))
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 130
    assert "stopping at once, since a fit may take days; the same command goes on from its newest state" in said
    assert "at seed-0: epoch" in said
    assert "it goes on from the newest state, limits.checkpoint_every (0 s) before that at most" in said
