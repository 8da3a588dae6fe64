"""Two processes that fit one network: as good as one, and one of them may die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from statistics import fmean

import polars as pl
import pytest
import torch

from cluster.storage import open_store
from jobs.demo.digits import digits
from jobs.verification.verify import verify
from tests.support.cli import ROOT
from tests.support.labelled_pictures import write
from tests.support.runs import run
from tests.support.small_run import finish, start
from tests.support.train_runs import train_spec

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
FIT = "epochs: 6, learning_rate: 0.01"
TOGETHER = "processes: 2\n"


def tuning_losses(output: Path) -> list[float]:
    return pl.read_parquet(output / "model" / "history.parquet")["tuning_loss"].to_list()


def losses(folder: Path, processes: int) -> list[float]:
    """The loss of scikit-learn's digits for tuning by three seeds, each fitted by so many processes."""
    text = (ROOT / "jobs" / "specs" / "train-digits.yaml").read_text(encoding="utf-8")
    changed = {
        "../../runs/digits/": f"{folder}/{processes}/",
        "../../": f"{folder}/",
        "seeds: [0, 1, 2, 3, 4] ": f"processes: {processes}\n  seeds: [0, 1, 2] ",
        "dropout: 0}": "dropout: 0.25}",
    }
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    threads = torch.get_num_threads()
    fits = run(text).manifest.tables["fits by seed"]
    torch.set_num_threads(threads)
    return [float(fit["tuning"]) for fit in fits]


def test_two_processes_come_as_far_as_one_within_what_seeds_differ(tmp_path: Path) -> None:
    write(digits(), tmp_path / "digits")
    one, two = losses(tmp_path, 1), losses(tmp_path, 2)
    print(f"loss by one process {one}, by two {two}")
    spread = max(one) - min(one)
    assert spread > 0
    assert abs(fmean(one) - fmean(two)) <= spread
    assert max(two) <= max(one) + spread


def test_a_fit_goes_on_when_one_of_its_processes_is_killed(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    more = "limits: {checkpoint_every: 0s}\n"
    spec.write_text(train_spec(tmp_path, tmp_path / "out", TOGETHER, more, FIT))
    process = start(spec, {"WARDROUND_HOLD_AT": "fit.step=0.3"})
    end = time.monotonic() + 120
    while not list((tmp_path / "out").glob("stages/fit/checkpoints/seed-0/*.safetensors")):
        assert time.monotonic() < end
        time.sleep(0.05)
    (other,) = [pid for pid in _below(process.pid) if "workers.training.job.together" in _words(pid)]
    os.kill(other, signal.SIGKILL)
    code, said = finish(process, 300)
    assert code == 0, said
    verify(open_store(str(tmp_path / "out")))
    assert len(tuning_losses(tmp_path / "out")) == 6


def _below(pid: int) -> list[int]:
    """Every process that this one started, and those that they did."""
    found = [int(one) for task in Path(f"/proc/{pid}/task").glob("*/children") for one in task.read_text().split()]
    return [*found, *(deeper for one in found for deeper in _below(one))]


def _words(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
