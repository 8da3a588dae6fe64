"""A package of the user's, installed into an environment of its own: what it adds is found by name and scores."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from tests.support.toy_environment import Environment, make_environment

WEIGHTS = np.array([[0.5, -0.25, 1.0]], np.float32)
SERIAL = "pool: serial, shard_records: 2"
RAY = "pool: ray, workers: 2, shard_records: 2"
POOLS = [SERIAL, pytest.param(RAY, marks=[pytest.mark.ray, pytest.mark.long])]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return make_environment(tmp_path_factory.mktemp("toy"))


def run(environment: Environment, folder: Path, job: str, source: str, more: str, compute: str) -> Path:
    """The run directory of a spec, scored and verified."""
    out = folder / "out"
    spec = folder / "spec.yaml"
    spec.write_text(f"job: {job}\nname: toy\ninput: {source}\noutput: {{uri: {out}}}\ncompute: {{{compute}}}\n{more}")
    for command in (["run", spec, "--progress", "none"], ["verify", spec]):
        done = environment.wardround(*command)
        assert done.returncode == 0, done.stderr
    return out


def rows(out: Path, folder: str) -> pl.DataFrame:
    return pl.read_parquet(out / folder / "*.parquet").sort("record_id")


@pytest.mark.parametrize("compute", [SERIAL, pytest.param(RAY, marks=[pytest.mark.ray, pytest.mark.long])])
def test_its_network_and_its_step_score_images_in_a_directory_of_our_own_format(
    environment: Environment, tmp_path: Path, compute: str
) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (5, 12, 9, 3), np.uint8)
    for number, picture in enumerate(pictures):
        (tmp_path / "archive").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "archive" / f"{number}.png"), picture[..., ::-1])
    model = tmp_path / "model"
    model.mkdir()
    config = {
        "format": "wardround-model",
        "format_version": 1,
        "network": "brightness",
        "settings": {"in_channels": 3, "num_outputs": 1},
        "head": {"activation": "none", "labels": ["bright"]},
        "prepare": [{"invert": {"strength": 0.5}}],
    }
    (model / "config.json").write_text(json.dumps(config))
    save_file({"weigh.weight": WEIGHTS, "weigh.bias": np.zeros(1, np.float32)}, model / "model.safetensors")
    source = f"{{collection: images, uri: {tmp_path / 'archive'}}}"
    out = run(
        environment,
        tmp_path,
        "predict",
        source,
        f"models: {{toy: {{uri: {model}}}}}\n",
        f"{compute}, decode: processes",
    )
    wanted = ((255.0 - pictures) / 2).mean((1, 2)) @ WEIGHTS[0]
    np.testing.assert_allclose(rows(out, "predictions")["score_bright"], wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("compute", POOLS)
def test_its_collection_and_its_format_score_waveforms(environment: Environment, tmp_path: Path, compute: str) -> None:
    (tmp_path / "archive").mkdir()
    for name, text in {"a": "0.1,0.9,0.7", "b": "no wave", "c": ",".join(["1"] * 9), "d": "0,0,1,1"}.items():
        (tmp_path / "archive" / f"{name}.csv").write_text(text)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "threshold.json").write_text('{"above": 0.5}')
    source = f"{{collection: waveforms, uri: {tmp_path / 'archive'}, max_samples: 8}}"
    more = f"models: {{share: {{uri: {tmp_path / 'model'}}}}}\n"
    out = run(environment, tmp_path, "predict", source, more, compute)
    found = rows(out, "predictions")
    assert found["status"].cast(str).to_list() == ["ok", "unreadable", "too_large", "ok"]
    assert found["share"].to_list() == [pytest.approx(2 / 3), None, None, 0.5]


def test_its_kind_of_job_hashes_a_prefix_and_run_json_says_what_was_installed(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    bodies = {"a": b"one", "b": b"two", "c": b""}
    for name, body in bodies.items():
        (tmp_path / "archive" / name).write_bytes(body)
    out = run(environment, tmp_path, "fixity", f"{{uri: {tmp_path / 'archive'}}}", "", SERIAL)
    assert rows(out, "rows")["sha256"].to_list() == [hashlib.sha256(body).hexdigest() for body in bodies.values()]
    recorded = json.loads((out / "run.json").read_text())["recorded"]["plugins"]
    assert {(one["group"], one["name"]) for one in recorded} == {
        ("wardround.networks", "images.brightness"),
        ("wardround.steps", "images.invert"),
        ("wardround.collections", "waveforms"),
        ("wardround.formats", "waveforms.threshold"),
        ("wardround.jobs", "fixity"),
    }
    assert {(one["package"], one["version"]) for one in recorded} == {("toy-plugin", "1.2.3")}


def test_doctor_lists_it_and_the_schema_knows_its_settings(environment: Environment) -> None:
    said = environment.wardround("doctor").stdout
    assert "toy-plugin 1.2.3: wardround.steps images.invert" in said
    schema = json.loads(environment.wardround("schema").stdout)
    assert schema["properties"]["job"]["enum"] == ["predict", "convert", "evaluate", "train", "fixity"]
    assert {"Invert", "WaveformsInput"} <= set(schema["$defs"])


def test_what_it_refuses_names_the_nearest(environment: Environment, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "job: predict\nname: toy\ninput: {collection: waveform, uri: /x}\nmodels: {m: {uri: /m}}\noutput: {uri: /o}\n"
        "compute: {pool: serial}\n"
    )
    done = environment.wardround("run", spec)
    assert (done.returncode, "did you mean 'waveforms'" in done.stderr) == (2, True)
