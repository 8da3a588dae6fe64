from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from schemas.errors import SpecError
from workers.text_models.directory import (
    DeclaredText,
    chosen_windows,
    declared_format,
    longest_window,
    read_declared,
    read_encoder_config,
)
from workers.text_models.token_windows import EntityWindows


def write(folder: Path, **files: Any) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("tokenizer", "config", "expected"),
    [
        ({"model_max_length": 128}, {"max_position_embeddings": 512}, 128),
        ({"model_max_length": 10**30}, {"max_position_embeddings": 512}, 512),
        ({}, {"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": 1}, 512),
        ({}, {"max_position_embeddings": 514, "model_type": "roberta"}, 513),
        ({"model_max_length": 512.0}, {}, 512),
    ],
)
def test_a_model_takes_what_tokenizer_and_positions_allow(
    tmp_path: Path, tokenizer: Any, config: Any, expected: int
) -> None:
    assert longest_window(config, write(tmp_path, tokenizer_config=tokenizer)) == expected


@pytest.mark.parametrize("config", [{}, {"max_position_embeddings": 0}, {"max_position_embeddings": 3}])
def test_a_model_that_does_not_say_how_much_it_takes_is_refused(tmp_path: Path, config: Any) -> None:
    with pytest.raises(SpecError, match="says how many tokens the model takes"):
        longest_window(config, write(tmp_path, tokenizer_config={}))


def test_a_card_is_optional_and_must_be_of_the_same_format(tmp_path: Path) -> None:
    assert declared_format(tmp_path) == ""
    assert read_declared(tmp_path, "embedding", DeclaredText).windows == {}
    write(tmp_path, wardround={"format": "other"})
    assert declared_format(tmp_path) == "other"
    with pytest.raises(SpecError, match="says format 'other', but"):
        read_declared(tmp_path, "embedding", DeclaredText)


def test_a_model_of_two_halves_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(SpecError, match="encoder-decoder models are not supported"):
        read_encoder_config(write(tmp_path, config={"model_type": "t5", "is_encoder_decoder": True}))


def test_a_step_of_the_spec_keeps_the_author_s_window_where_it_names_none() -> None:
    settings = {"longest": 512, "special": 2, "windows": {"window": 100, "stride": 10, "merge": "longest"}}
    assert chosen_windows(settings, [], EntityWindows) == EntityWindows(window=100, stride=10, merge="longest")
    chosen = chosen_windows(settings, [EntityWindows(stride=5)], EntityWindows)
    assert chosen == EntityWindows(window=100, stride=5, merge="context")
    with pytest.raises(SpecError, match="the model takes at most 512"):
        chosen_windows(settings, [EntityWindows(window=513)], EntityWindows)
