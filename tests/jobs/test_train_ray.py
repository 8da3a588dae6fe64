"""On Ray the processes that fit one network are workers of Ray Train; whoever is killed, the bits are the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.verification.verify import verify
from tests.jobs.test_train_crashes import ends_in_time
from tests.support.ray_cluster import TokenCluster
from tests.support.runs import run
from tests.support.small_run import finish, start
from tests.support.train_runs import train_spec, weights

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(900)]
FIT = "epochs: 4, learning_rate: 0.01, average: 0.9"
OFTEN = "limits: {checkpoint_every: 0s}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, and a training by two processes beside each other that nobody disturbs in `clean`."""
    folder = tmp_path_factory.mktemp("train-ray")
    run(train_spec(folder, folder / "clean", "processes: 2", OFTEN, FIT))
    return folder


def on_ray(folder: Path, output: Path) -> Path:
    spec = output.with_suffix(".yaml")
    text = train_spec(folder, output, "processes: 2", OFTEN, FIT)
    spec.write_text(text.replace("pool: serial", "pool: ray"))
    return spec


def fitting(log: Path) -> set[int]:
    """The processes that have come to a step, which are those of Ray Train."""
    lines = log.read_text().splitlines() if log.exists() else []
    found = {int(line.split()[1]) for line in lines if line.count(" ") == 1}
    for pid in found:
        assert b"RayTrainWorker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return found


@pytest.mark.parametrize("killed", ["a worker of Ray Train", "the driver"])
def test_two_workers_of_ray_train_end_with_the_bits_of_two_processes_whoever_is_killed(
    folder: Path, tmp_path: Path, killed: str
) -> None:
    spec, log = on_ray(folder, tmp_path / "out"), tmp_path / "steps"
    process = start(spec, {"WARDROUND_HOLD_AT": "fit.step=0.3", "WARDROUND_HOLD_LOG": str(log)})
    kept = tmp_path / "out" / "stages" / "fit" / "checkpoints" / "seed-0"
    ends_in_time(lambda: len(fitting(log)) == 2 and len(list(kept.glob("*.safetensors"))) == 2, 600)
    if killed == "the driver":
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
        process = start(spec)
    else:
        os.kill(max(fitting(log)), signal.SIGKILL)
    code, said = finish(process, 800)
    assert code == 0, said
    verify(open_store(str(tmp_path / "out")))
    assert weights(tmp_path / "out") == weights(folder / "clean")


def test_on_a_cluster_that_lives_on_nothing_of_a_fit_outlives_its_driver(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "steps"
    held = {"WARDROUND_HOLD_AT": "fit.step=0.3", "WARDROUND_HOLD_LOG": str(log)}
    cluster = TokenCluster(variables=held)
    try:
        cluster.wait()
        spec = on_ray(folder, tmp_path / "out")
        environment = {**cluster.environment(), "RAY_ADDRESS": cluster.address}
        process = start(spec, environment)
        ends_in_time(lambda: len(fitting(log)) == 2, 600)
        fitted = fitting(log)
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
        ends_in_time(lambda: not any(Path(f"/proc/{pid}").exists() for pid in fitted), 120)
        code, said = finish(start(spec, environment), 800)
        assert code == 0, said
    finally:
        cluster.stop()
    assert weights(tmp_path / "out") == weights(folder / "clean")
