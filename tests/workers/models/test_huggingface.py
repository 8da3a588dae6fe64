"""A Hugging Face directory names neither other files nor sizes that its weights cannot have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SecurityError, SpecError
from tests.support.text_models import edit, save_model
from workers.models.huggingface import read_config, refuse_code
from workers.text_models import classification, embedding
from workers.text_models.tokenizer import tokenizer_config


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("whole"), "bert", "SequenceClassification")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    for path in whole.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("transformers_weights", "other.safetensors"),
        ("transformers_weights", "../other.safetensors"),
        ("transformers_weights", "adapter_model.bin"),
        ("configuration_files", ["config.4.0.0.json"]),
        ("gguf_file", "model.gguf"),
        ("vocab_file", "/etc/passwd"),
        ("use_pretrained_backbone", True),
    ],
)
def test_keys_by_which_transformers_would_take_another_file_are_refused(folder: Path, key: str, value: Any) -> None:
    edit(folder / "config.json", **{key: value})
    with pytest.raises(SecurityError, match=rf"config\.json: '{key}'"):
        classification.FORMAT.describe(folder)
    edit(folder / "config.json", **{key: None})
    edit(folder / "config.json", text_config={"inner": [{key: value}]})
    with pytest.raises(SecurityError, match=key):
        read_config(folder)


@pytest.mark.parametrize("key", ["vocab_file", "tokenizer_file", "merges_file", "spm_file", "fast_tokenizer_files"])
def test_keys_by_which_a_tokenizer_would_be_another_are_refused(folder: Path, key: str) -> None:
    edit(folder / "tokenizer_config.json", **{key: "other.json"})
    with pytest.raises(SecurityError, match=key):
        tokenizer_config(folder)
    edit(folder / "tokenizer_config.json", **{key: None}, special_tokens_map_file="/home/somebody/x.json")
    assert tokenizer_config(folder)[key] is None


@pytest.mark.parametrize(
    "change",
    [
        {"num_labels": 2_000_000_000, "id2label": None, "label2id": None},
        {"num_hidden_layers": 2_000_000_000},
        {"num_hidden_layers": 50_000},
        {"hidden_size": 2_000_000_000},
        {"vocab_size": 10**15},
        {"max_position_embeddings": 10**12},
        {"intermediate_size": 1e18},
        {"nested": {"block_layers": [2, 10**9]}},
    ],
    ids=str,
)
def test_sizes_that_the_weights_cannot_have_are_a_wrong_directory(folder: Path, change: dict[str, Any]) -> None:
    edit(folder / "config.json", **change)
    with pytest.raises(SpecError, match=r"config\.json: "):
        classification.FORMAT.describe(folder)


def test_sizes_of_large_models_are_none_of_those(folder: Path) -> None:
    large = {"max_position_embeddings": 1_048_576, "vocab_size": 256_000, "rope_theta": 5e8, "layer_norm_eps": 1e-12}
    edit(folder / "config.json", **large, bos_token_id=200_000, transformers_version="5", id2label={"0": "a", "1": "b"})
    assert read_config(folder)["vocab_size"] == 256_000


def test_a_module_s_folder_is_in_the_directory(folder: Path) -> None:
    modules = [
        {"type": "sentence_transformers.models.Transformer", "path": "../other"},
        {"type": "Pooling", "path": "p"},
    ]
    (folder / "modules.json").write_text(str(modules).replace("'", '"'))
    with pytest.raises(SecurityError, match="outside the model directory"):
        embedding.FORMAT.describe(folder)


def test_what_stands_beside_such_keys_is_left_alone() -> None:
    refuse_code({"_name_or_path": "/tmp/x", "auto_map": None, "profile": "x", "vocab_file": None}, Path("config.json"))
