"""Ctrl-C, sent as a terminal sends it: to the whole process group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from tests.support.cli import Wardround, finish, start

MakeSpec = Callable[..., Path]
SHARDS = 60
DRAIN = "finishing the shards in hand, then stopping; press Ctrl-C again to stop at once"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough images that a run can be interrupted in its middle."""
    folder = tmp_path_factory.mktemp("many")
    noise = np.random.default_rng(0).integers(0, 255, (900, 900), dtype=np.uint8)
    body = cv2.imencode(".png", noise)[1].tobytes()
    for number in range(SHARDS):
        (folder / f"{number:03d}.png").write_bytes(body)
    return folder


def shards(folder: Path) -> int:
    return len(list(folder.glob("predictions/shard-*")))


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, finish(process)
        assert time.monotonic() < end
        time.sleep(0.005)


Stopped = Callable[..., tuple[Path, int, str]]


def _ctrl_c(pid: int) -> None:
    os.killpg(pid, signal.SIGINT)


def _terminate_group(pid: int) -> None:
    """As `timeout` and batch systems do."""
    os.killpg(pid, signal.SIGTERM)


def _terminate_all(pid: int) -> None:
    """As systemd does: every process of the unit, whatever its group."""
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        process.terminate()


@pytest.fixture
def stopped(make_spec: MakeSpec, many: Path, tmp_path: Path) -> Iterator[Stopped]:
    """Starts a run, presses Ctrl-C after the first shard so many times, and gives spec, exit code and stderr."""
    running: list[subprocess.Popen[str]] = []

    def stop(
        pool: str, presses: int, send: Callable[[int], None] | None = None, copies: int = 1
    ) -> tuple[Path, int, str]:
        pictures = many
        if copies > 1:
            pictures = tmp_path / "more"
            pictures.mkdir()
            for picture in many.iterdir():
                for number in range(copies):
                    os.link(picture, pictures / f"{number:02d}-{picture.name}")
        # Workers take shards as small as these by the handful; with a deeper hand there would be none left.
        compute = f"{{pool: {pool}, shard_records: {copies}, batch: 1, prefetch_bytes: 1MiB}}"
        spec = make_spec(compute=compute, input=f"{{collection: images, uri: {pictures}}}")
        process = start("run", spec, "--progress", "none")
        running.append(process)
        wait_for(lambda: shards(tmp_path / "out") > 0, process)
        for _ in range(presses):
            (send or _ctrl_c)(process.pid)
            time.sleep(0.1)
        said = finish(process)
        return spec, said.code, said.err

    yield stop
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_ctrl_c_twice_stops_at_once_and_the_same_command_goes_on(
    stopped: Stopped, wardround: Wardround, tmp_path: Path
) -> None:
    # A shard of one picture would be done before the second press.
    spec, code, err = stopped("serial", 2, copies=16)
    assert code == 130
    assert DRAIN in err
    assert "stopping at once" in err
    assert "Traceback" not in err
    left = SHARDS - shards(tmp_path / "out")
    assert left > 0
    assert f"{left} to do" in wardround("run", spec).err
    assert wardround("verify", tmp_path / "out").code == 0


def test_sigterm_to_the_process_group_is_ctrl_c(stopped: Stopped, wardround: Wardround, tmp_path: Path) -> None:
    spec, code, err = stopped("serial", 2, _terminate_group)
    assert code == 130
    assert DRAIN in err
    assert "Traceback" not in err
    left = SHARDS - shards(tmp_path / "out")
    assert f"{left} to do" in wardround("run", spec).err


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.parametrize("send", [_terminate_group, _terminate_all])
def test_sigterm_with_workers_on_ray_ends_in_time(
    stopped: Stopped, wardround: Wardround, tmp_path: Path, send: Callable[[int], None]
) -> None:
    began = time.monotonic()
    _, code, err = stopped("ray", 1, send)
    assert code in (0, 130)
    assert time.monotonic() - began < 50
    assert "Traceback" not in err
    assert "GCS" not in err
    assert (code == 0) == (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.ray
@pytest.mark.long
def test_ctrl_c_once_finishes_the_shards_in_hand_also_with_workers_on_ray(
    stopped: Stopped, wardround: Wardround, tmp_path: Path
) -> None:
    _, code, err = stopped("ray", 1)
    assert code in (0, 130)
    assert DRAIN in err
    assert "Traceback" not in err
    assert (code == 0) == (tmp_path / "out" / "manifest.json").exists()
    assert "unfinished write" not in wardround("gc", tmp_path / "out", "--older-than", "0s").out


def test_ctrl_c_while_a_run_is_planned_interrupts_it_at_once(make_spec: MakeSpec, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        storage = f'{{endpoint_url: "http://127.0.0.1:{silent.getsockname()[1]}", region: us-east-1}}'
        spec = make_spec(models="{m: {uri: s3://bucket/model}}", storage=storage)
        process = start("run", spec, AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
        silent.settimeout(60)
        silent.accept()  # and never an answer: the run waits for the listing of its model
        os.killpg(process.pid, signal.SIGINT)
        said = finish(process, 30)
    assert said.code == 130
    assert said.err == "wardround: interrupted\n"
    assert not (tmp_path / "out").exists()
