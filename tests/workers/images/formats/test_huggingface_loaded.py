"""Loading a classifier of transformers."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification

from schemas.errors import RecordError, SpecError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Affine, ModelCard, Placement
from workers.images.formats.huggingface_loaded import Logits, load


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViT for grey images of 16 pixels a side and two labels."""
    torch.manual_seed(0)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = ViTConfig(**size, image_size=16, patch_size=8, num_channels=1, num_labels=2, initializer_range=0.5)
    folder = tmp_path_factory.mktemp("hf")
    ViTForImageClassification(config).save_pretrained(folder)
    return folder


def card(labels: int = 2) -> ModelCard:
    fields = tuple(OutputField(name=f"score_{n}", type="float32", meaning="m") for n in range(labels))
    return ModelCard("huggingface", fields, settings={"activation": "softmax"})


def test_scores_are_those_of_transformers(directory: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (16, 16), dtype=np.uint8)
    reference = ViTForImageClassification.from_pretrained(directory).eval()
    with torch.inference_mode():
        expected = torch.softmax(reference(torch.from_numpy(image)[None, None].float() / 255).logits, 1)[0]
    found = load(directory, card(), Placement("cpu", 1, Affine(1 / 255))).forward([image])
    np.testing.assert_allclose([found["score_0"][0], found["score_1"][0]], expected, atol=1e-6)


def test_a_card_with_another_number_of_labels_is_refused_with_both(directory: Path) -> None:
    with pytest.raises(SpecError, match="the model has 2 labels, its card 3"):
        load(directory, card(3), Placement("cpu", 1))


def test_channels_that_the_card_leaves_open_are_the_models(directory: Path) -> None:
    model = load(directory, card(), Placement("cpu", 1))
    with pytest.raises(RecordError, match=r"takes 1 channel\(s\), the prepared image has 3"):
        model.forward([np.zeros((16, 16, 3), np.uint8)])
    assert dataclasses.replace(card(), channels=1).channels == 1


def test_an_image_that_transformers_refuses_is_out_of_contract(directory: Path) -> None:
    logits = Logits(ViTForImageClassification.from_pretrained(directory).eval())
    assert logits(torch.zeros(3, 1, 16, 16)).shape == (3, 2)
    with pytest.raises(RecordError, match="refuses images of this size or channels") as caught:
        logits(torch.zeros(1, 1, 24, 24))
    assert caught.value.status == Status.OUT_OF_CONTRACT
