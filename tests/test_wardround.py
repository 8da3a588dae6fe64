"""The public Python API, on real small runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import wardround
from cluster.storage import open_store
from tests.support.seaweed import S3
from tests.support.small_run import ROOT, write_spec
from tests.support.user_folders import ended

COLUMNS = ["record_id", "status"]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path, str(tmp_path / "out"))


def as_mapping(spec: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(spec.read_text())
    return found


def test_a_spec_is_run_looked_at_and_proved(spec: Path, tmp_path: Path) -> None:
    assert wardround.plan(spec).records == 13
    run = wardround.run(spec, progress="none")
    assert run.manifest.records == 13
    assert run.figures()["statuses"] == {"ok": 12, "unreadable": 1}
    assert json.loads(json.dumps(run.figures())) == run.figures()
    assert run.uri == str(tmp_path / "out")
    assert wardround.verify(tmp_path / "out").rows == 13


def test_rows_come_a_shard_at_a_time_or_as_one_frame(spec: Path, tmp_path: Path) -> None:
    run = wardround.run(spec, progress="none")
    tables = list(run.rows(COLUMNS))
    assert [table.num_rows for table in tables] == [4, 4, 4, 1]
    assert tables[0].column_names == COLUMNS
    frame = run.rows(COLUMNS).to_polars()
    assert frame.height == 13
    written = pl.read_parquet(tmp_path / "out" / "predictions" / "*.parquet")
    assert run.rows().to_polars().columns == written.columns
    assert run.rows(["record_id"], statuses=["unreadable"]).to_arrow().to_pylist() == [{"record_id": "05-letter.txt"}]
    with pytest.raises(wardround.UsageError, match="no column 'no_such'; it has record_id"):
        run.rows(["no_such"])
    with pytest.raises(wardround.UsageError, match="no status 'unreadble', did you mean 'unreadable'"):
        run.rows(statuses=["unreadble"])
    with pytest.raises(wardround.UsageError, match=r"statuses is one word: give a list, \['ok'\]"):
        run.rows(statuses="ok")


def test_a_mapping_a_path_and_the_run_directory_mean_the_same_run(spec: Path, tmp_path: Path) -> None:
    run = wardround.run(as_mapping(spec), progress="none")
    found = {each.manifest.attempt for each in map(wardround.open_run, (spec, as_mapping(spec), str(tmp_path / "out")))}
    assert found == {run.manifest.attempt}
    assert wardround.run(str(spec), progress="none").manifest.attempt == run.manifest.attempt


def test_a_spec_on_storage_is_read_from_there(
    spec: Path, s3: S3, bucket_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(bucket_prefix, s3.settings).put("study.yaml", spec.read_bytes(), {})
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint_url)
    assert wardround.plan(f"{bucket_prefix}/study.yaml").records == 13
    with pytest.raises(wardround.SpecError, match=r"other\.yaml"):
        wardround.plan(f"{bucket_prefix}/other.yaml")


def test_what_is_wrong_is_raised(spec: Path, tmp_path: Path) -> None:
    with pytest.raises(wardround.SpecError, match="did you mean 'models'"):
        wardround.run({**as_mapping(spec), "modles": {}})
    with pytest.raises(wardround.SpecError, match=r"no\.yaml"):
        wardround.plan(tmp_path / "no.yaml")
    with pytest.raises(wardround.UsageError, match="no run lies"):
        wardround.open_run(tmp_path / "nothing")


def test_paths_in_a_mapping_are_from_the_working_directory(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = as_mapping(spec) | {"output": {"uri": "here"}, "input": {"collection": "images", "uri": "archive"}}
    assert wardround.run(told, progress="none").uri == str(tmp_path / "here")


def test_a_run_forecasts_itself(spec: Path) -> None:
    seen = wardround.plan(spec, sample=4, workers=2)
    forecast, tried = seen.forecast, seen.tried
    assert forecast is not None
    assert tried is not None
    assert (tried.sampled, forecast.workers) == (4, 2)


def test_it_runs_in_a_thread_and_leaves_signal_handlers_as_they_were(spec: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    done: list[wardround.Run] = []
    thread = threading.Thread(target=lambda: done.append(wardround.run(spec, progress="none")))
    thread.start()
    thread.join()
    assert done[0].manifest.records == 13
    wardround.run(spec, progress="none")
    assert signal.getsignal(signal.SIGINT) is before


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
import wardround
out = Path(sys.argv[2])
def press():
    while not list(out.glob("predictions/shard-*")):
        time.sleep(0.005)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
try:
    wardround.run(sys.argv[1], progress="none")
except KeyboardInterrupt as error:
    print("interrupted", error)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print(wardround.run(sys.argv[1], progress="none").manifest.records)
"""


def test_ctrl_c_is_a_keyboard_interrupt_and_the_same_call_goes_on(tmp_path: Path) -> None:
    compute = "pool: serial, shard_records: 1, batch: 1, prefetch_bytes: 4KiB"
    spec = write_spec(tmp_path, str(tmp_path / "out"), compute)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(spec), str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        # A shell that starts tests in the background ignores SIGINT for all of them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    said = done.stdout.splitlines()
    assert said[-2:] == ["True", "13"], done.stderr
    assert said[0].startswith("interrupted") or len(said) == 2, done.stdout


def test_importing_it_is_quick_and_takes_our_packages(tmp_path: Path) -> None:
    for name in ("jobs", "workers", "schemas", "cluster", "dl"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError\n")
    code = (
        "import sys, wardround; import workers; print(workers.__file__); "
        "print([name for name in ('torch', 'ray', 'pyarrow', 'polars', 'numpy', 'boto3') if name in sys.modules])"
    )
    done = ended(["-c", code], tmp_path)
    assert done.stdout.splitlines() == [str(ROOT / "workers" / "__init__.py"), "[]"], done.stderr


def test_a_package_of_that_name_that_was_imported_before_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").touch()
    done = ended(["-c", "import jobs, wardround"], tmp_path)
    assert "ImportError: wardround has a package 'jobs', and another one of that name" in done.stderr


@pytest.mark.ray
@pytest.mark.long
def test_ray_is_started_for_a_call_and_again_for_the_next(tmp_path: Path) -> None:
    code = (
        "import sys, wardround\n"
        "for spec in sys.argv[1:]: print(wardround.run(spec, progress='none').figures()['statuses']['ok'])\n"
    )
    specs = [str(write_spec(tmp_path, str(tmp_path / name), "pool: ray, shard_records: 7")) for name in ("a", "b")]
    done = ended(["-c", code, *specs], tmp_path, f"{ROOT}{os.pathsep}{tmp_path}")
    assert done.stdout.split() == ["12", "12"], done.stderr
