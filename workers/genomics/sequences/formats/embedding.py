"""An encoder of transformers that gives each sequence a vector.

Read are the files of `workers.genomics.sequences.formats.classification`; `wardround.json` has to be there and says
how the last hidden states become one vector:

    {"format": "sequence-embedding", "format_version": 1, "pooling": ["mean"], "normalize": false}

Poolings are those of sentence-transformers: `cls`, `max`, `mean` and `mean_sqrt_len` of all tokens, special ones
included; of several the vectors are joined in that order. The column is `embedding`; of variants `embedding_ref`,
`embedding_alt` and `embedding_delta`.
"""

from __future__ import annotations

from pathlib import Path

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.genomics.sequences.contract import SequenceEncoder, SequenceScorer
from workers.genomics.sequences.formats.directory import (
    open_sequence_encoder,
    prepare_of,
    read_card,
    read_sequence_config,
    sequence_settings,
)
from workers.models.text.directory import CARD, declared_format
from workers.models.text.pooling import POOLINGS

NAME = "sequence-embedding"
LOOKS_FOR = "wardround.json with format 'sequence-embedding'"

EMBEDDING = OutputField(name="embedding", type="list<float32>", meaning="vector of the sequence", over_frames="mean")


def recognises(directory: Path) -> bool:
    """Whether `wardround.json` names this format."""
    return declared_format(directory) == NAME


def describe(directory: Path) -> ModelCard:
    """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
    declared = read_card(directory, NAME)
    if not declared.pooling:
        raise SpecError(f"{directory / CARD}: 'pooling' is missing; known: {', '.join(POOLINGS)}")
    config = read_sequence_config(directory)
    settings = {
        "pooling": tuple(name for name in POOLINGS if name in declared.pooling),
        "normalize": declared.normalize,
        **sequence_settings(directory, config, declared),
    }
    return ModelCard(NAME, (EMBEDDING,), prepare_of(declared), settings=settings)


def open_encoder(directory: Path, card: ModelCard, both_strands: bool) -> SequenceEncoder:
    """The tokenizer."""
    return open_sequence_encoder(directory, card.settings, both_strands)


def load(directory: Path, card: ModelCard, device: str, threads: int, both_strands: bool) -> SequenceScorer:
    """The model in float32 on `device`."""
    from workers.genomics.sequences.formats import scorers  # noqa: PLC0415 - imports torch, which the driver must not

    read_sequence_config(directory)
    return scorers.load_embedder(directory, card, device, threads)
