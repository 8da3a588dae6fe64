"""Directories of transformers, loaded strictly."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification

from schemas.errors import SpecError
from workers.models.pretrained import pretrained


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    BertForSequenceClassification(BertConfig(**size, vocab_size=20, num_labels=2)).save_pretrained(tmp_path)
    return tmp_path


def change(directory: Path, dropped: str, dtype: torch.dtype = torch.float32) -> None:
    """Leave out the tensors whose names begin so."""
    path = directory / "model.safetensors"
    kept = {name: tensor.to(dtype) for name, tensor in load_file(path).items() if not name.startswith(dropped or "?")}
    save_file(kept, path, {"format": "pt"})


def test_a_model_is_ready_to_score_in_float32_whatever_its_weights_are_kept_in(directory: Path) -> None:
    change(directory, "", torch.float16)
    model = pretrained(AutoModelForSequenceClassification, directory)
    assert not model.training
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_a_head_that_would_be_random_numbers_is_refused_by_name(directory: Path) -> None:
    change(directory, "classifier.")
    with pytest.raises(SpecError, match=r"weights lack 2 tensors of the model, the first 'classifier\.bias'"):
        pretrained(AutoModelForSequenceClassification, directory)


def test_what_is_not_used_may_be_lacking(directory: Path) -> None:
    change(directory, "bert.pooler.")
    with pytest.raises(SpecError, match=r"'pooler\.dense\.bias'"):
        pretrained(AutoModel, directory)
    assert pretrained(AutoModel, directory, may_lack="pooler.").config.hidden_size == 8


def test_what_transformers_cannot_load_is_told_in_one_line_with_the_directory(directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(SpecError, match=r"transformers cannot load it \(") as caught:
        pretrained(AutoModel, directory)
    assert str(directory) in str(caught.value)
    assert "\n" not in str(caught.value)
