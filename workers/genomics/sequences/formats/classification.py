"""A Hugging Face sequence classification or regression directory on DNA or proteins.

Read are `config.json` (architectures `...ForSequenceClassification`), `model.safetensors` or its shards, `vocab.txt` or
`tokenizer.json`, `tokenizer_config.json`, and `wardround.json` where these leave something open:

    {"format": "sequence-classification", "format_version": 1, "alphabet": "dna",
     "tokenizer": {"kind": "kmer", "k": 6}, "window": {"length": 512}, "both_strands": true}

The kind of tokenizer follows from the files where it is not named (workers.genomics.sequences.formats.tokens). A window
has as many bases as the model takes unless its length is said. Columns are `score_<label>` for the labels of
`id2label`; activation as in transformers' own pipeline. Of variants each is there as `_ref`, `_alt` and `_delta`.
"""

from pathlib import Path

from workers.contract import ModelCard
from workers.genomics.sequences.contract import SequenceFormat
from workers.genomics.sequences.formats.directory import (
    SequenceCard,
    TokenSequenceFormat,
    sequence_settings,
)
from workers.genomics.sequences.steps import written
from workers.models.head import score_fields
from workers.models.huggingface import CONFIG, ArchitectureFormat, head_of
from workers.text_models.directory import read_declared, read_encoder_config


class SequenceClassification(ArchitectureFormat, TokenSequenceFormat):
    """Scores of a sequence, a label each."""

    name = "sequence-classification"
    suffix = "ForSequenceClassification"
    gives = "texts"

    def describe(self, directory: Path) -> ModelCard:
        """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
        config = read_encoder_config(directory)
        declared = read_declared(directory, self.name, SequenceCard)
        head = head_of(config, directory / CONFIG)
        settings = {
            "activation": head.activation,
            "labels": head.labels,
            **sequence_settings(directory, config, declared),
        }
        return ModelCard(
            self.name, score_fields(head), written(declared.window, declared.both_strands), settings=settings
        )


FORMAT: SequenceFormat = SequenceClassification()
