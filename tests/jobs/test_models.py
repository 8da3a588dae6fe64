"""What a spec gets to know of its models before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from cluster.storage import StorageSettings, fetch_directory
from jobs.models import outputs_of, resolve_models
from jobs.stages import open_input, understand
from schemas.errors import RefusedError, SpecError
from schemas.spec import Spec
from tests.chaos.archive import make_model


def hugging_face_without_processor(directory: Path) -> Path:
    config = {"architectures": ["ViTForImageClassification"], "id2label": {"0": "a", "1": "b"}}
    (directory / "config.json").write_text(json.dumps(config))
    save_file({"x": torch.zeros(1)}, directory / "model.safetensors")
    return directory


def spec(model: Path, **more) -> Spec:
    return Spec.model_validate(
        {
            "job": "predict",
            "name": "x",
            "input": {"collection": "images", "uri": str(model.parent / "in"), "format": "png"},
            "models": {"m": {"uri": str(model)}},
            "output": {"uri": str(model.parent / "out")},
            **more,
        }
    )


def test_a_model_that_does_not_say_how_to_prepare_needs_prepare_in_the_spec(tmp_path):
    (tmp_path / "model").mkdir()
    model = hugging_face_without_processor(tmp_path / "model")
    with pytest.raises(SpecError, match=r"model 'm': .*write the `prepare` steps in the spec"):
        understand(spec(model), StorageSettings())
    resolved = understand(spec(model, prepare=[{"channels": {"to": 3}}]), StorageSettings()).models["m"]
    assert resolved.prepare == ({"channels": {"to": 3}},)
    assert resolved.record.prepare_from == "spec"


def resolved(given: Spec) -> dict[str, Any]:
    return resolve_models(given, StorageSettings(), open_input(given, StorageSettings()))


def test_a_model_is_recorded_with_its_digest_its_files_and_who_says_how_to_prepare(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    found = resolved(spec(model))
    fetched = fetch_directory(str(model))
    record = found["m"].record
    assert (record.uri, record.sha256, record.format) == (str(model), fetched.digest, "onnx")
    assert record.files == fetched.files
    assert record.prepare_from == "model"
    assert found["m"].prepare == ({"channels": {"to": 1}},)
    assert outputs_of(found) == {"m": found["m"].card.outputs}


def test_models_come_in_the_order_of_the_spec(tmp_path: Path) -> None:
    uri = {"uri": str(make_model(tmp_path / "model"))}
    assert list(resolved(spec(tmp_path / "model", models={"z": uri, "a": uri, "m": uri}))) == ["z", "a", "m"]


def test_another_digest_than_the_spec_pins_is_refused_with_both(tmp_path: Path) -> None:
    pinned = {"m": {"uri": str(make_model(tmp_path / "model")), "sha256": "0" * 64}}
    with pytest.raises(RefusedError, match=f"has sha256 [0-9a-f]{{64}}, and {'0' * 64} was asked for"):
        resolved(spec(tmp_path / "model", models=pinned))


def test_steps_that_do_not_exist_are_an_error_of_the_model_that_they_are_for(tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    with pytest.raises(SpecError, match=r"model 'm': .*resizze.*resize"):
        resolved(spec(tmp_path / "model", prepare=[{"resizze": {"height": 4, "width": 4}}]))
