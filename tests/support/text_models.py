"""Tiny text models of transformers with seeded weights and real tokenizers, saved as their authors would; and notes."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from workers.contract import Placement

KINDS = ("bert", "roberta", "distilbert")
POSITIONS = 128
"""Longest window of all three, special tokens included."""

_SENTENCE = """
the patient was admitted with acute pneumonia and hypoxia no evidence of pleural effusion chest x ray shows right lower
lobe consolidation treated ceftriaxone azithromycin for ten days discharged home in stable condition mrs smith 67 year
old female history diabetes mellitus type 2 hypertension denies fever cough shortness breath blood pressure 140 90 mmHg
heart rate 88 bpm follow up cardiology clinic dr jones st mary's hospital 12/03/2019 phone 555-0199
"""
_WORDS = tuple(_SENTENCE.split())
_SIZE: dict[str, Any] = {"num_labels": 3, "initializer_range": 0.4}
_BERT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
_DISTIL = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
ODD = [
    "a",
    "Ärztlicher Bericht: Frau Müller, 67 J., klagt über Übelkeit – naïve façade.",
    "tab\tand  double   spaces\r\n\r\nnew line  ",
    "emoji 🫀 and 中文 and e\u0301 combined, [MASK] and <s> literal, ½ and ﬁ ligature",
    "...",
    "UPPER lower MiXeD 12,500.75mg/dL (q.d.)",
]


def notes(count: int, longest: int = 40, seed: int = 0) -> list[str]:
    """Sentences of 1 to `longest` words, some with capitals and full stops."""
    chance = np.random.default_rng(seed)
    found = []
    for length in chance.integers(1, longest + 1, count):
        words = chance.choice(_WORDS, length)
        found.append(" ".join(word.title() if chance.random() < 0.1 else str(word) for word in words) + ".")
    return found


def save_model(directory: Path, kind: str, head: str, **changes: Any) -> Path:
    """`head`: SequenceClassification, TokenClassification, or nothing for the bare encoder."""
    tokenizer = tokenizer_of(kind)
    tokenizer.save_pretrained(directory)
    size: dict[str, Any] = {**_SIZE, "vocab_size": len(tokenizer), **changes}
    if kind == "bert":
        config: Any = transformers.BertConfig(**_BERT, max_position_embeddings=POSITIONS, **size)
    elif kind == "roberta":
        special = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
        config = transformers.RobertaConfig(**_BERT, **special, max_position_embeddings=POSITIONS + 2, **size)
    else:
        config = transformers.DistilBertConfig(**_DISTIL, max_position_embeddings=POSITIONS, **size)
    name = {"bert": "Bert", "roberta": "Roberta", "distilbert": "DistilBert"}[kind]
    torch.manual_seed(3)
    model = getattr(transformers, f"{name}For{head}" if head else f"{name}Model")(config)
    model.save_pretrained(directory)
    return directory


@functools.cache
def tokenizer_of(kind: str) -> Any:
    """WordPiece, or byte level BPE, trained on the words of `notes`."""
    corpus = [" ".join(_WORDS), *notes(50, seed=9), *ODD]
    if kind == "roberta":
        raw = Tokenizer(models.BPE())
        raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
        )
        raw.train_from_iterator(corpus, trainer)
        made = json.loads(raw.to_str())["model"]
        merges = [tuple(merge) for merge in made["merges"]]
        return transformers.RobertaTokenizer(vocab=made["vocab"], merges=merges, model_max_length=POSITIONS)
    raw = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer(lowercase=True)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    raw.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special))
    made = json.loads(raw.to_str())["model"]["vocab"]
    kind_of = transformers.BertTokenizer if kind == "bert" else transformers.DistilBertTokenizer
    return kind_of(vocab=made, model_max_length=POSITIONS)


def edit(path: Path, **changes: Any) -> None:
    """Change keys of a JSON file, made if absent."""
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(before | changes))


def scored(module: Any, directory: Path, texts: list[str], steps: Any = ()) -> dict[str, Any]:
    """What a format's encoder and scorer make of the texts."""
    return next(scored_at(module, directory, texts, (None,), steps))


def scored_at(
    module: Any, directory: Path, texts: list[str], budgets: Sequence[int | None] = (64, 512, 4096), steps: Any = ()
) -> Iterator[dict[str, Any]]:
    """The same with batches of so many tokens, one after the other."""
    checked = [module.FORMAT.steps[name](**settings) for step in steps for name, settings in step.items()]
    card = module.FORMAT.with_steps(module.FORMAT.describe(directory), checked)
    encoded = module.FORMAT.open_encoder(directory, card, 1).encode(texts)
    assert all(note.fault is None for note in encoded)
    scorer = module.FORMAT.load(directory, card, Placement("cpu", 1))
    for budget in budgets:
        scorer.network.ladder.budget = budget or scorer.network.ladder.budget
        yield dict(scorer.score([note.value for note in encoded]))
