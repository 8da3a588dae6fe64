from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SecurityError, SpecError
from workers.text_models.pooling import SentenceLayout, read_layout

TRANSFORMER = {"path": "", "type": "sentence_transformers.models.Transformer"}
POOLING = {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
NORMALIZE = {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}


def layout(folder: Path, modules: Any = (TRANSFORMER, POOLING), pooling: Any = None, **files: Any) -> SentenceLayout:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling or {"pooling_mode_mean_tokens": True}))
    if modules is not None:
        (folder / "modules.json").write_text(json.dumps(modules))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return read_layout(folder, "embedding")


def declared(**more: Any) -> dict[str, Any]:
    return {"format": "embedding", **more}


def test_a_directory_of_sentence_transformers_says_it_in_modules_json(tmp_path: Path) -> None:
    found = layout(
        tmp_path,
        (TRANSFORMER, POOLING, NORMALIZE),
        sentence_bert_config={"max_seq_length": 256, "do_lower_case": True},
    )
    assert found == SentenceLayout(tmp_path, ("mean",), normalize=True, longest=256, lower=True)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, ("cls", "mean")),
        ({"pooling_mode": "max"}, ("max",)),
        ({"pooling_mode": ["mean_sqrt_len", "cls"]}, ("cls", "mean_sqrt_len")),
    ],
)
def test_vectors_are_joined_in_sentence_transformers_order(
    tmp_path: Path, config: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert layout(tmp_path, pooling=config).pooling == expected


@pytest.mark.parametrize(
    "config",
    [
        {"pooling_mode_mean_tokens": False},
        {"pooling_mode_weightedmean_tokens": True},
        {"pooling_mode": "lasttoken"},
        {"pooling_mode": [{"a": 1}]},
        {"pooling_mode": []},
    ],
)
def test_a_pooling_that_is_not_supported_is_refused_with_those_that_are(tmp_path: Path, config: Any) -> None:
    with pytest.raises(SpecError, match="supported: cls, max, mean, mean_sqrt_len"):
        layout(tmp_path, pooling=config)


@pytest.mark.parametrize(
    "modules",
    [
        [],
        {},
        [POOLING, TRANSFORMER],
        [TRANSFORMER, POOLING, {"path": "2", "type": "sentence_transformers.models.Dense"}],
        ["Transformer"],
    ],
)
def test_other_modules_are_refused(tmp_path: Path, modules: Any) -> None:
    with pytest.raises(SpecError, match=r"modules\.json"):
        layout(tmp_path, modules)


def test_a_module_outside_of_the_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecurityError, match="outside the model directory"):
        layout(tmp_path, ({**TRANSFORMER, "path": "../x"}, POOLING))


def test_a_prompt_before_each_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="puts a prompt before each text"):
        layout(tmp_path, config_sentence_transformers={"default_prompt_name": "query"})


@pytest.mark.parametrize("length", ["many", [1], -4, True])
def test_a_length_that_is_no_number_of_tokens_is_refused(tmp_path: Path, length: Any) -> None:
    with pytest.raises(SpecError, match="max_seq_length"):
        layout(tmp_path, sentence_bert_config={"max_seq_length": length})


def test_without_modules_our_own_card_says_it(tmp_path: Path) -> None:
    found = layout(tmp_path, None, wardround=declared(pooling=["mean", "cls"], normalize=True, windows={"stride": 2}))
    assert (found.pooling, found.normalize, found.windows) == (("cls", "mean"), True, {"stride": 2})


def test_neither_is_an_error_and_so_are_both(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="'pooling' is missing; known: cls"):
        layout(tmp_path, None, wardround=declared())
    (tmp_path / "modules.json").write_text(json.dumps([TRANSFORMER, POOLING]))
    (tmp_path / "wardround.json").write_text(json.dumps(declared(pooling=["cls"])))
    with pytest.raises(SpecError, match=r"pooling is said by modules\.json"):
        read_layout(tmp_path, "embedding")
