"""Scores of single sequences as transformers itself gives them: its tokenizer, its model, one text at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file

from tests.support.variants import K
from workers.genomics.sequences.networks import dilated_resnet

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def reverse_complement(bases: str) -> str:
    """The other strand of A, C, G, T and N, read backwards."""
    return bases.translate(COMPLEMENT)[::-1]


def bert_tokens(directory: Path) -> Callable[[str], Any]:
    """BertTokenizer on the overlapping k-mers with spaces between them, as DNABERT's authors call it."""
    words = (directory / "vocab.txt").read_text().splitlines()
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(words)}, do_lower_case=False)
    return lambda bases: tokenizer(" ".join(bases[i : i + K] for i in range(len(bases) - K + 1)), return_tensors="pt")


def esm_tokens(directory: Path) -> Callable[[str], Any]:
    """EsmTokenizer on the sequence."""
    tokenizer = transformers.EsmTokenizer.from_pretrained(directory)
    return lambda bases: tokenizer(bases, return_tensors="pt")


def logits(directory: Path, tokens: Callable[[str], Any], sequences: Sequence[str]) -> np.ndarray[Any, Any]:
    """(sequences, labels), each alone."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(directory).eval()
    with torch.inference_mode():
        return torch.cat([model(**tokens(sequence)).logits for sequence in sequences]).numpy()


def states(directory: Path, tokens: Callable[[str], Any], sequences: Sequence[str]) -> list[np.ndarray[Any, Any]]:
    """Last hidden states, (tokens, width) each."""
    model = transformers.AutoModel.from_pretrained(directory).eval()
    with torch.inference_mode():
        return [model(**tokens(sequence)).last_hidden_state[0].numpy() for sequence in sequences]


def cnn_scores(directory: Path, sequences: Sequence[str]) -> np.ndarray[Any, Any]:
    """(sequences, outputs) sigmoids of a dilated residual network, each window alone."""
    settings = json.loads((directory / "config.json").read_text())["settings"]
    network = dilated_resnet.build(dilated_resnet.Config.model_validate(settings))
    network.load_state_dict(load_file(directory / "model.safetensors"))
    network.eval()
    letters = torch.tensor(list(b"ACGT"))
    with torch.inference_mode():
        hot = [(torch.tensor(list(bases.encode())) == letters[:, None]).float()[None] for bases in sequences]
        return torch.sigmoid(torch.cat([network(window) for window in hot])).numpy()


def windows(bases: str, pos: int, ref: str, alt: str, length: int) -> tuple[str, str]:
    """The windows around a variant at `pos` (1-based), of the reference and of ALT, by plain string work."""
    centre = pos - 1
    start = centre - length // 2
    padded = "N" * length + bases.upper() + "N" * (length + len(ref))
    at = start + length
    with_alt = padded[at : centre + length] + alt + padded[centre + length + len(ref) :]
    return padded[at : at + length], with_alt[:length]
