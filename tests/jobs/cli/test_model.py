"""`wardround model` on directories of every collection, local and remote, right and wrong."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from cluster.storage import open_store
from tests.support import exported_programs
from tests.support.cli import Wardround
from tests.support.mistakes.world import WORLDS
from tests.support.seaweed import S3
from tests.support.text_models import save_model
from workers import registry
from workers.contract import Placement
from workers.images.formats.native import FORMAT as NATIVE
from workers.images.formats.onnx import FORMAT as ONNX

DIRECTORIES = {
    "native": ("native", "native"),
    "onnx": ("images", "model"),
    "events": ("events", "rnn"),
    "pgs": ("genotypes", "scores"),
    "properties": ("molecules", "properties"),
    "sequence-cnn": ("sequences", "cnn"),
}
"""By format: the small world that has such a directory, and its name there."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A directory of each of these formats."""
    found = {}
    for kind, (world, name) in DIRECTORIES.items():
        folder = tmp_path_factory.mktemp(kind)
        WORLDS[world](folder)
        found[kind] = folder / name
    found["text-classification"] = save_model(tmp_path_factory.mktemp("text"), "bert", "SequenceClassification")
    return found


@pytest.fixture
def native(models: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of a network of ours that a test may change."""
    return Path(shutil.copytree(models["native"], tmp_path / "native"))


def facts(wardround: Wardround, *words: Any) -> Any:
    said = wardround("model", *words, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


@pytest.mark.parametrize("kind", [*DIRECTORIES, "text-classification"])
def test_every_format_is_inspected_and_verified(wardround: Wardround, models: dict[str, Path], kind: str) -> None:
    found = facts(wardround, "inspect", models[kind])
    assert found["format"] == kind
    assert found["outputs"]
    verified = facts(wardround, "verify", models[kind])
    assert verified["sha256"] == found["sha256"]
    if kind == "pgs":
        assert (verified["scored"], verified["note"]) == (None, "described; it has no weights to load")
    else:
        assert verified["scored"].keys() >= {found["outputs"][0]["name"]}


@pytest.mark.long
def test_a_program_of_torch_export_is_inspected_though_other_collections_refuse_it(
    wardround: Wardround, tmp_path: Path
) -> None:
    exported_programs.save(exported_programs.small(), torch.rand(2, 1, 8, 8, 8), tmp_path / "model.pt2")
    card = {"head": {"activation": "softmax", "labels": ["background", "a", "b"]}, "windows": {"roi": [8, 8, 8]}}
    without = wardround("model", "inspect", tmp_path)
    assert (without.code, "can run code of others" in without.err) == (3, True)
    (tmp_path / "wardround.json").write_text(json.dumps({"format": "volume-pt2", "task": "segmentation", **card}))
    assert "volume-pt2" in wardround("model", "inspect", tmp_path).out


def test_a_directory_whose_name_is_not_utf_8_is_looked_at_as_any(wardround: Wardround, native: Path) -> None:
    odd = native.rename(native.with_name(os.fsdecode(b"\xff")))
    for uri in (str(odd), f"file://{odd.parent}/%FF"):
        done = wardround("model", "inspect", uri)
        assert done.code == 0, done


def test_people_are_told_network_parameters_prepare_and_outputs(wardround: Wardround, native: Path) -> None:
    found = facts(wardround, "inspect", native)
    assert (found["network"], found["parameters"]) == ("smallcnn", _numbers(native))
    assert found["prepare"] == [{"channels": {"to": 1}}]
    said = wardround("model", "inspect", native)
    for word in ("smallcnn", "404", "channels", "score_pneumonia", found["sha256"], "calibration  none"):
        assert word in said.out


def _numbers(directory: Path) -> int:
    from safetensors.numpy import load_file

    return sum(tensor.size for tensor in load_file(directory / "model.safetensors").values())


def test_a_directory_that_several_collections_take_can_be_asked_for_one(
    wardround: Wardround, models: dict[str, Path]
) -> None:
    both = facts(wardround, "inspect", models["text-classification"])
    assert {"notes", "molecules"} <= set(both["collections"])
    one = facts(wardround, "inspect", models["text-classification"], "--collection", "molecules")
    assert one["collections"] == ["molecules"]


def _sums(directory: Path) -> None:
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(directory.iterdir())]
    (directory / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def test_files_are_held_against_the_sums_beside_them(wardround: Wardround, native: Path) -> None:
    _sums(native)
    (native / "notes.txt").write_text("later")
    found = facts(wardround, "verify", native)
    assert (found["sums"], found["unlisted"]) == (2, ["notes.txt"])
    config = json.loads((native / "config.json").read_text())
    (native / "config.json").write_text(json.dumps({**config, "notes": "changed"}))
    said = wardround("model", "verify", native)
    assert said.code == 5
    assert "1 of 2 files are not as SHA256SUMS says; config.json is another file" in said.err


def test_a_remote_directory_is_looked_at_as_a_local_one_and_takes_a_card_once(
    wardround: Wardround, native: Path, s3: S3, bucket_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint_url)
    store = open_store(bucket_prefix)
    for path in native.iterdir():
        store.put(path.name, path.read_bytes(), {})
    here, there = facts(wardround, "inspect", native), facts(wardround, "inspect", bucket_prefix)
    assert {**there, "model": None} == {**here, "model": None}
    assert facts(wardround, "verify", bucket_prefix)["scored"].keys() == {"score_normal", "score_pneumonia"}
    assert wardround("model", "card", bucket_prefix, "--write").code == 0
    assert b"smallcnn" in store.get("model_card.md")
    assert wardround("model", "card", bucket_prefix, "--write").code == 2


def test_a_draft_of_a_card_says_what_is_known_and_what_is_not_stated(wardround: Wardround, native: Path) -> None:
    said = wardround("model", "card", native)
    assert said.code == 0
    for word in ("smallcnn", "404 in", "`score_pneumonia`", "## Intended use", "_not stated_", "channels"):
        assert word in said.out
    assert not (native / "model_card.md").exists()


def test_a_card_is_written_once_and_never_replaced(wardround: Wardround, native: Path) -> None:
    said = wardround("model", "card", native, "--write")
    assert said.out == f"{native}/model_card.md\n"
    (native / "model_card.md").write_text("# mine\n")
    assert wardround("model", "card", native).out == "# mine\n"
    again = wardround("model", "card", native, "--write")
    assert (again.code, "is there already" in again.err) == (2, True)
    assert (native / "model_card.md").read_text() == "# mine\n"


def test_calibration_is_told(wardround: Wardround, native: Path) -> None:
    platt = {"map": {"method": "platt", "slope": 0.5, "intercept": 0}, "by": "site", "rows": 900, "positives": 80}
    document = {"format": "wardround-calibration", "format_version": 1, "outputs": {"score_pneumonia": platt}}
    (native / "calibration.json").write_text(json.dumps(document))
    assert "score_pneumonia by platt, of each site" in wardround("model", "inspect", native).out
    assert "platt, fitted on 900 rows, 80 positive, 0 values of site" in wardround("model", "card", native).out


@pytest.mark.parametrize("network", [name for name in registry.NETWORKS["images"] if not name.startswith("monai.")])
def test_an_exported_network_answers_as_it_did(wardround: Wardround, tmp_path: Path, network: str) -> None:
    native = _native(tmp_path / "native", network)
    to = tmp_path / "onnx" / "net.onnx"
    said = wardround("model", "export", native, "--to", to)
    assert said.code == 0, said.err
    assert said.out.split() == [str(to), str(to.parent / "wardround.json")]
    generator = np.random.default_rng(0)
    side = 28 if network == "keras_starter" else 72
    images = [generator.random((side, side), np.float32) for _ in range(3)]
    answers = []
    for kind, directory in ((NATIVE, native), (ONNX, to.parent)):
        card = kind.describe(directory)
        answers.append(kind.load(directory, card, Placement("cpu", 1)).forward(images))
        assert [one.name for one in card.outputs] == ["score_well", "score_sick"]
    for name, values in answers[0].items():
        assert answers[1][name] == pytest.approx(values, abs=1e-5)
    shapes = onnxruntime.InferenceSession(str(to)).get_inputs()[0].shape
    assert shapes[0] == "n"


def _native(folder: Path, network: str) -> Path:
    from safetensors.torch import save_file

    small = {
        "densenet": {"block_layers": [2, 2], "growth": 4, "init_features": 8},
        "resnet": {"layers": [1, 1, 1, 1], "width": 8},
        "smallcnn": {"channels": [4, 8], "strides": [2, 2]},
        "keras_starter": {},
    }
    torch.manual_seed(0)
    module = registry.networks("images").load(network)
    settings = {"in_channels": 1, "num_outputs": 2, **small[network]}
    folder.mkdir()
    save_file(module.build(module.Config(**settings)).state_dict(), folder / "model.safetensors")
    head = {"activation": "softmax", "labels": ["well", "sick"]}
    config = {"format": "wardround-model", "format_version": 1, "network": network, "settings": settings, "head": head}
    (folder / "config.json").write_text(json.dumps({**config, "prepare": [{"channels": {"to": 1}}]}))
    return folder


def test_an_export_replaces_nothing(wardround: Wardround, native: Path, tmp_path: Path) -> None:
    (tmp_path / "wardround.json").write_text("{}")
    said = wardround("model", "export", native, "--to", tmp_path / "model.onnx")
    assert (said.code, "is there already" in said.err) == (2, True)
    assert (tmp_path / "wardround.json").read_text() == "{}"


def test_a_model_without_an_onnx_form_says_so(wardround: Wardround, models: dict[str, Path], tmp_path: Path) -> None:
    for kind in ("events", "onnx"):
        said = wardround("model", "export", models[kind], "--to", tmp_path / "x" / "model.onnx")
        assert (said.code, "no ONNX form" in said.err) == (2, True)
    assert not (tmp_path / "x").exists()
