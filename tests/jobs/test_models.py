"""What a spec gets to know of its models before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from cluster.storage import StorageSettings
from jobs.stages import understand
from schemas.errors import SpecError
from schemas.spec import Spec


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
