"""An encoder of transformers that gives each sequence a vector.

Read are the files of `workers.genomics.sequences.formats.classification`; `wardround.json` has to be there and says
how the last hidden states become one vector:

    {"format": "sequence-embedding", "format_version": 1, "pooling": ["mean"], "normalize": false}

Poolings are those of sentence-transformers: `cls`, `max`, `mean` and `mean_sqrt_len` of all tokens, special ones
included; of several the vectors are joined in that order. The column is `embedding`; of variants `embedding_ref`,
`embedding_alt` and `embedding_delta`.
"""

from pathlib import Path

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.genomics.sequences.contract import SequenceFormat
from workers.genomics.sequences.formats.directory import (
    SequenceCard,
    TokenSequenceFormat,
    sequence_settings,
)
from workers.genomics.sequences.steps import written
from workers.text_models.directory import CARD, declared_format, read_declared, read_encoder_config
from workers.text_models.pooling import POOLINGS

EMBEDDING = OutputField(name="embedding", type="list<float32>", meaning="vector of the sequence", over_frames="mean")


class SequenceEmbedding(TokenSequenceFormat):
    """A vector of a sequence."""

    name = "sequence-embedding"
    looks_for = "wardround.json with format 'sequence-embedding'"
    gives = "states"

    def recognises(self, directory: Path) -> bool:
        """Whether `wardround.json` names this format."""
        return declared_format(directory) == self.name

    def describe(self, directory: Path) -> ModelCard:
        """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
        declared = read_declared(directory, self.name, SequenceCard)
        if not declared.pooling:
            raise SpecError(f"{directory / CARD}: 'pooling' is missing; known: {', '.join(POOLINGS)}")
        config = read_encoder_config(directory)
        settings = {
            "pooling": tuple(name for name in POOLINGS if name in declared.pooling),
            "normalize": declared.normalize,
            **sequence_settings(directory, config, declared),
        }
        return ModelCard(self.name, (EMBEDDING,), written(declared.window, declared.both_strands), settings=settings)


FORMAT: SequenceFormat = SequenceEmbedding()
