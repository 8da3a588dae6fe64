"""Hugging Face directories give transformers' own scores, and none of their code runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from schemas.errors import RecordError, SecurityError, SpecError
from schemas.status import Status
from workers.contract import Placement
from workers.images.formats import huggingface
from workers.images.prepare import plan
from workers.images.prepare.image import Image
from workers.images.steps import parse_steps
from workers.models.detect import describe
from workers.models.huggingface import head_of

LABELS = {0: "No finding", 1: "Pleural Effusion", 2: "Pneumonia"}


def save_resnet(directory: Path, **config) -> Path:
    torch.manual_seed(0)
    settings = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2], "layer_type": "basic"}
    model = ResNetForImageClassification(ResNetConfig(**settings, id2label=LABELS, **config))
    model.train()(torch.randn(8, 3, 64, 64))
    model.save_pretrained(directory)
    ConvNextImageProcessorPil(size={"shortest_edge": 64}, crop_pct=0.875).save_pretrained(directory)
    return directory


def save_vit(directory: Path, **config) -> Path:
    torch.manual_seed(0)
    settings = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    model = ViTForImageClassification(
        ViTConfig(**settings, image_size=32, patch_size=8, initializer_range=0.3, id2label=LABELS, **config)
    )
    model.save_pretrained(directory)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(directory)
    return directory


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def pictures(count: int) -> list[np.ndarray]:
    """8 bit RGB pictures of several sizes, smooth with some noise."""
    rng = np.random.default_rng(7)
    result = []
    for _ in range(count):
        rows, columns = rng.integers(70, 130, 2)
        wave = np.outer(np.sin(np.linspace(0, rng.uniform(3, 9), rows)), np.linspace(-1, 1, columns))[:, :, None]
        result.append(np.clip(wave * 100 + 128 + rng.normal(0, 20, (rows, columns, 3)), 0, 255).astype(np.uint8))
    return result


def prepared(card, images: list[np.ndarray]) -> tuple[list[np.ndarray], object]:
    steps, affine = plan.split(parse_steps(list(card.prepare)))
    return [plan.run(steps, Image(image, (0, 255))) for image in images], affine


def reference(directory: Path, images: list[np.ndarray], activation: str) -> np.ndarray:
    model = AutoModelForImageClassification.from_pretrained(directory).eval()
    processor = AutoImageProcessor.from_pretrained(directory)
    with torch.inference_mode():
        rows = [model(**processor(image, return_tensors="pt")).logits for image in images]
        logits = torch.cat(rows)
        return (torch.softmax(logits, 1) if activation == "softmax" else torch.sigmoid(logits)).numpy()


@pytest.mark.parametrize("save", [save_resnet, save_vit])
@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
def test_scores_equal_those_of_transformers_at_any_batch_size_and_layout(tmp_path, save, problem):
    directory = save(tmp_path / "model", problem_type=problem)
    name, card = describe(directory, "images")
    assert name == "huggingface"
    images = pictures(9)
    arrays, affine = prepared(card, images)
    assert all(array.dtype == np.uint8 for array in arrays)
    expected = reference(directory, images, "sigmoid" if "multi" in problem else "softmax")
    model = huggingface.FORMAT.load(directory, card, Placement("cpu", 1, affine))
    for channels_last in (False, True):
        model.configure(channels_last=channels_last)
        for size in (1, 2, 9):
            parts = [model.forward(arrays[i : i + size]) for i in range(0, len(arrays), size)]
            scores = np.concatenate([np.stack(list(part.values()), 1) for part in parts])
            np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)
    assert expected.std(axis=0).min() > 1e-4, "scores that never vary prove nothing"


def test_columns_bear_the_labels_in_order(tmp_path):
    card = huggingface.FORMAT.describe(save_vit(tmp_path))
    assert [field.name for field in card.outputs] == ["score_no_finding", "score_pleural_effusion", "score_pneumonia"]
    assert card.channels in (3, None)


def test_weights_in_shards_load_as_one(tmp_path):
    whole = save_vit(tmp_path / "whole")
    model = AutoModelForImageClassification.from_pretrained(whole)
    shards = tmp_path / "shards"
    model.save_pretrained(shards, max_shard_size="20KB")
    assert (shards / "model.safetensors.index.json").is_file()
    batch = [np.random.default_rng(0).normal(size=(32, 32, 3)).astype(np.float32)]
    results = [
        huggingface.FORMAT.load(d, huggingface.FORMAT.describe(d), Placement("cpu", 1)).forward(batch)
        for d in (whole, shards)
    ]
    assert results[0] == results[1]


def test_a_directory_without_processor_says_that_the_spec_must_prepare(tmp_path):
    directory = save_vit(tmp_path)
    (directory / "preprocessor_config.json").unlink()
    card = huggingface.FORMAT.describe(directory)
    assert card.prepare == ()
    assert "write the `prepare` steps in the spec" in card.settings["prepare_problem"]
    assert "prepare_problem" not in huggingface.FORMAT.describe(save_vit(tmp_path)).settings


@pytest.mark.parametrize(
    ("labels", "problem", "activation"),
    [({0: "a", 1: "b"}, None, "softmax"), ({0: "a"}, None, "sigmoid"), ({0: "a", 1: "b"}, "regression", "none")],
)
def test_the_activation_is_that_of_the_pipeline_of_transformers(tmp_path, labels, problem, activation):
    head = head_of({"id2label": {str(k): v for k, v in labels.items()}, "problem_type": problem}, tmp_path)
    assert head.activation == activation


def test_labels_that_are_not_there_are_those_of_transformers(tmp_path):
    assert head_of({}, tmp_path).labels == ("LABEL_0", "LABEL_1")
    assert head_of({"num_labels": 3}, tmp_path).labels == ("LABEL_0", "LABEL_1", "LABEL_2")


@pytest.mark.parametrize("labels", [{"a": "x"}, {"1": "x"}, ["x"], {"0": "x y", "1": "X-Y"}])
def test_labels_that_make_no_columns_are_refused(tmp_path, labels):
    directory = save_vit(tmp_path)
    edit(directory / "config.json", id2label=labels)
    with pytest.raises(SpecError):
        huggingface.FORMAT.describe(directory)


@pytest.mark.parametrize(
    "change",
    [
        {"auto_map": {"AutoModelForImageClassification": "modeling.Evil"}},
        {"backbone_config": {"auto_map": {"AutoModel": "x.Y"}}},
        {"attn_implementation": "someone/kernels"},
        {"_attn_implementation": "flash_attention_2"},
    ],
)
def test_code_and_kernels_from_elsewhere_are_refused(tmp_path, change):
    directory = save_vit(tmp_path)
    card = huggingface.FORMAT.describe(directory)
    (directory / "modeling.py").write_text("raise SystemExit('code ran')")
    edit(directory / "config.json", **change)
    with pytest.raises(SecurityError):
        huggingface.FORMAT.describe(directory)
    with pytest.raises(SecurityError):
        huggingface.FORMAT.load(directory, card, Placement("cpu", 1))


def test_code_in_the_processor_is_refused(tmp_path):
    directory = save_vit(tmp_path)
    edit(directory / "preprocessor_config.json", auto_map={"AutoImageProcessor": "x.Y"})
    with pytest.raises(SecurityError):
        huggingface.FORMAT.describe(directory)


def test_pickled_weights_are_refused_with_the_remedy(tmp_path):
    directory = save_vit(tmp_path)
    weights = load_file(directory / "model.safetensors")
    (directory / "model.safetensors").unlink()
    with pytest.raises(SpecError, match="holds neither"):
        huggingface.FORMAT.describe(directory)
    torch.save(weights, directory / "pytorch_model.bin")
    with pytest.raises(SecurityError, match="convert it"):
        huggingface.FORMAT.describe(directory)


@pytest.mark.parametrize("name", ["../model.safetensors", "/tmp/model.safetensors", "weights.bin"])
def test_shards_elsewhere_or_pickled_are_refused(tmp_path, name):
    directory = save_vit(tmp_path)
    (directory / "model.safetensors").unlink()
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(SecurityError):
        huggingface.FORMAT.describe(directory)


def test_a_head_that_would_be_drawn_at_random_is_refused(tmp_path):
    directory = save_vit(tmp_path)
    path = directory / "model.safetensors"
    weights = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("classifier")}
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(SpecError, match="lack 2 tensors"):
        huggingface.FORMAT.load(directory, huggingface.FORMAT.describe(directory), Placement("cpu", 1))


def test_weights_of_another_shape_are_refused(tmp_path):
    directory = save_vit(tmp_path)
    edit(directory / "config.json", hidden_size=16)
    with pytest.raises(SpecError, match="transformers cannot load it"):
        huggingface.FORMAT.load(directory, huggingface.FORMAT.describe(directory), Placement("cpu", 1))


@pytest.mark.parametrize("key", ["quantization_config", "adapter_config"])
def test_quantised_models_and_adapters_are_refused(tmp_path, key):
    directory = save_vit(tmp_path)
    (directory / f"{key}.json").write_text("{}")
    with pytest.raises(SpecError, match="not supported"):
        huggingface.FORMAT.describe(directory)


@pytest.mark.parametrize("shape", [(32, 32), (40, 40, 3), (32, 31, 3), (32, 32, 4)])
def test_an_image_that_the_model_does_not_take_is_out_of_contract(tmp_path, shape):
    directory = save_vit(tmp_path)
    model = huggingface.FORMAT.load(directory, huggingface.FORMAT.describe(directory), Placement("cpu", 1))
    with pytest.raises(RecordError) as error:
        model.forward([np.zeros(shape, np.uint8)])
    assert error.value.status is Status.OUT_OF_CONTRACT
