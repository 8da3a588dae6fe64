"""A Hugging Face sequence classification or regression directory on DNA or proteins.

Read are `config.json` (architectures `...ForSequenceClassification`), `model.safetensors` or its shards, `vocab.txt` or
`tokenizer.json`, `tokenizer_config.json`, and `wardround.json` where these leave something open:

    {"format": "sequence-classification", "format_version": 1, "alphabet": "dna",
     "tokenizer": {"kind": "kmer", "k": 6}, "window": {"length": 512}, "both_strands": true}

The kind of tokenizer is told by the files where it is not said (workers.genomics.sequences.formats.tokens). A window
has as many bases as the model takes unless its length is said. Columns are `score_<label>` for the labels of
`id2label`; activation as in transformers' own pipeline. Of variants each is there as `_ref`, `_alt` and `_delta`.
"""

from __future__ import annotations

from pathlib import Path

from workers.contract import ModelCard
from workers.genomics.sequences.contract import SequenceEncoder, SequenceScorer
from workers.genomics.sequences.formats.directory import (
    open_sequence_encoder,
    prepare_of,
    read_card,
    read_sequence_config,
    sequence_settings,
)
from workers.models.head import score_fields
from workers.models.huggingface import CONFIG, head_of
from workers.models.text.directory import has_architecture

NAME = "sequence-classification"
LOOKS_FOR = "config.json with architectures '...ForSequenceClassification'"


def recognises(directory: Path) -> bool:
    """Whether `config.json` names a sequence classification architecture of transformers."""
    return has_architecture(directory, "ForSequenceClassification")


def describe(directory: Path) -> ModelCard:
    """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
    config = read_sequence_config(directory)
    declared = read_card(directory, NAME)
    head = head_of(config, directory / CONFIG)
    settings = {
        "activation": head.activation,
        "labels": head.labels,
        **sequence_settings(directory, config, declared),
    }
    return ModelCard(NAME, score_fields(head), prepare_of(declared), settings=settings)


def open_encoder(directory: Path, card: ModelCard, both_strands: bool) -> SequenceEncoder:
    """The tokenizer."""
    return open_sequence_encoder(directory, card.settings, both_strands)


def load(directory: Path, card: ModelCard, device: str, threads: int, both_strands: bool) -> SequenceScorer:
    """The model in float32 on `device`."""
    from workers.genomics.sequences.formats import scorers  # noqa: PLC0415 - imports torch, which the driver must not

    read_sequence_config(directory)
    return scorers.load_classifier(directory, card, device, threads)
