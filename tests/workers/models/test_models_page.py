"""What docs/models.md shows is what is read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from workers import registry
from workers.contract import Placement
from workers.images.contract import ImageFormat
from workers.images.networks import densenet
from workers.images.steps import parse_steps
from workers.models.detect import Formats, describe

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_with_weights_of_its_network_is_a_model(tmp_path: Path) -> None:
    config = json.loads(EXAMPLE)
    torch.manual_seed(1)
    network = densenet.build(densenet.Config(**config["settings"]))
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(EXAMPLE)
    kind, card = describe(tmp_path, "images")
    assert (kind, card.channels) == ("native", 1)
    assert [output.name for output in card.outputs] == ["score_pneumonia", "score_effusion"]
    assert len(parse_steps(card.prepare)) == len(config["prepare"])
    model = Formats[ImageFormat]("images")[kind].load(tmp_path, card, Placement("cpu"))
    scores = model.forward([np.zeros((64, 64), np.float32)])
    assert set(scores) == {"score_pneumonia", "score_effusion"}


def test_without_outputs_the_columns_are_those_that_the_page_says(tmp_path: Path) -> None:
    config = json.loads(EXAMPLE)
    del config["outputs"], config["prepare"], config["notes"]
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config))
    named = [output.name for output in describe(tmp_path, "images")[1].outputs]
    assert named == ["score_pneumonia", "score_pleural_effusion"]
    assert all(f"`{name}`" in PAGE for name in named)


def test_a_directory_s_list_of_steps_may_hold_bare_names_like_a_spec_s(tmp_path: Path) -> None:
    config = json.loads(EXAMPLE) | {"prepare": ["clahe", {"channels": {"to": 1}}]}
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert len(parse_steps(describe(tmp_path, "images")[1].prepare)) == 2


def test_every_network_on_images_stands_there_with_its_settings() -> None:
    for name in (name for name in registry.NETWORKS["images"] if not name.startswith("monai.")):
        (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
        fields = registry.networks("images").load(name).Config.model_fields
        assert set(fields) - {"in_channels", "num_outputs"} <= set(re.findall(r"`(\w+)`", row)), name


def test_what_formats_of_images_look_for_stands_there() -> None:
    for words in ("wardround-model", "text-detector", "*.onnx", "ForImageClassification"):
        assert words in PAGE
