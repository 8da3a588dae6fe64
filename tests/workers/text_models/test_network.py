"""Whatever lies beside a text, it has the answer that it has alone; models that allow of no such layout are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoModel, AutoModelForSequenceClassification

from schemas.errors import SpecError
from tests.support.text_models import notes, save_model, scored_at, tokenizer_of
from workers.text_models import classification
from workers.text_models.network import TextNetwork

SIZE: dict[str, Any] = {"vocab_size": 120, "num_labels": 3, "initializer_range": 0.4}
SHAPE: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
BERT = {**SIZE, **SHAPE, "max_position_embeddings": 128}
GPT = {**SIZE, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, "bos_token_id": 1, "eos_token_id": 1}
XLNET = {**SIZE, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48}
FEW_HEADS = {key: value for key, value in BERT.items() if key != "num_attention_heads"}

CONFIGS: dict[str, tuple[str, Any]] = {
    "bert": ("packed", transformers.BertConfig(**BERT)),
    "deberta": ("padded", transformers.DebertaV2Config(**BERT, relative_attention=True, pos_att_type=["p2c", "c2p"])),
    "xlnet": ("equal", transformers.XLNetConfig(**XLNET)),
    "convbert": ("equal", transformers.ConvBertConfig(**BERT, embedding_size=32)),
    "fnet": ("equal", transformers.FNetConfig(**FEW_HEADS)),
    "nystromformer": ("equal", transformers.NystromformerConfig(**BERT, segment_means_seq_len=64, num_landmarks=64)),
    "bigbird": (
        "equal",
        transformers.BigBirdConfig(**BERT, block_size=4, num_random_blocks=1, attention_type="block_sparse"),
    ),
    "gpt2 without padding": ("single", transformers.GPT2Config(**GPT)),
    "gpt2": ("padded", transformers.GPT2Config(**GPT, pad_token_id=0)),
}


def model_of(config: Any, kind: Any = AutoModelForSequenceClassification) -> Any:
    torch.manual_seed(0)
    return kind.from_config(config).eval()


def settled(config: Any, budget: int = 256) -> TextNetwork:
    network = TextNetwork(model_of(config), "texts", "cpu", budget)
    network.settle("here")
    return network


def alone(config: Any, windows: list[np.ndarray]) -> np.ndarray:
    """By a model that has seen no other text."""
    with torch.inference_mode():
        tensors = [torch.from_numpy(window.astype(np.int64))[None] for window in windows]
        return np.stack([model_of(config)(input_ids=ids).logits[0].numpy() for ids in tensors])


@pytest.mark.parametrize("name", CONFIGS)
def test_a_text_has_the_answer_that_it_has_alone_whatever_lies_beside_it(name: str) -> None:
    layout, config = CONFIGS[name]
    network = settled(config)
    assert network.layout == layout
    chance = np.random.default_rng(5)
    # BigBird's blocks begin at 28 tokens: long and short ones, in turns.
    windows = [chance.integers(10, 120, length).astype(np.int32) for length in (60, 4, 33, 4, 90, 60, 28, 7, 4)]
    for order in (windows, windows[::-1]):
        found = np.stack(network.run(order, lambda out, _: list(out.numpy())))
        np.testing.assert_allclose(found, alone(config, order), rtol=0, atol=2e-5)


def test_an_encoder_is_tried_by_its_hidden_states() -> None:
    network = TextNetwork(model_of(CONFIGS["convbert"][1], AutoModel), "states", "cpu", 256)
    network.settle("here")
    assert network.layout == "equal"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            transformers.NystromformerConfig(**BERT, segment_means_seq_len=64, num_landmarks=8),
            "here: a 'nystromformer' model with these settings does not take texts of every length",
        ),
        (
            transformers.ReformerConfig(
                **SIZE, hidden_size=32, num_attention_heads=4, attn_layers=["local", "lsh"], axial_pos_shape=(8, 16),
                axial_pos_embds_dim=(16, 16), max_position_embeddings=128, local_attn_chunk_length=8, num_buckets=4,
                lsh_attn_chunk_length=8, feed_forward_size=48, is_decoder=False, pad_token_id=0, attention_head_size=8,
            ),
            "here: this 'reformer' model gives a text another answer each time",
        ),
    ],
    ids=["nystromformer of few landmarks", "reformer"],
)  # fmt: skip
def test_a_model_without_an_answer_of_its_own_is_refused_by_name(config: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        settled(config)


def test_scores_of_a_directory_are_those_of_transformers_text_by_text(tmp_path: Path) -> None:
    save_model(tmp_path, "bert", "SequenceClassification")
    config = transformers.XLNetConfig(**{**XLNET, "vocab_size": len(tokenizer_of("bert"))})
    model = model_of(config)
    model.save_pretrained(tmp_path)
    texts = notes(12)
    tokenizer = tokenizer_of("bert")
    with torch.inference_mode():
        logits = [model(torch.tensor([tokenizer(text)["input_ids"]])).logits for text in texts]
    wanted = torch.softmax(torch.cat(logits), 1).numpy()
    for columns in scored_at(classification, tmp_path, texts):
        found = np.stack([columns[f"score_label_{label}"] for label in range(3)], 1)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
    padded = tokenizer(texts, padding=True, return_tensors="pt", padding_side="right")
    with torch.inference_mode():
        together = torch.softmax(model(padded["input_ids"], attention_mask=padded["attention_mask"]).logits, 1).numpy()
    assert np.abs(together - wanted).max() > 0.01, "where padding changes nothing this proves nothing"
