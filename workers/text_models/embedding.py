"""An encoder of transformers that gives each text a vector.

Either as sentence-transformers lays it out (`modules.json`: Transformer, Pooling, Normalize), or any encoder whose
`wardround.json` says how its last hidden states become one vector:

    {"format": "text-embedding", "format_version": 1, "pooling": ["mean"], "normalize": true, "windows": {...}}

Poolings are those of sentence-transformers: `cls`, `max`, `mean` and `mean_sqrt_len` of all tokens, special ones
included; of several the vectors are joined in that order. `normalize` makes the vector of length 1. Columns are
`embedding`, `n_tokens`, `n_windows` and `truncated`.

A note that is longer than the window (by default `max_seq_length` of `sentence_bert_config.json`, beyond which
sentence-transformers cuts) has the mean of its windows' vectors, weighted by their tokens, then made of length 1.
"""

from pathlib import Path

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.text_models.contract import TextFormat
from workers.text_models.directory import declared_format
from workers.text_models.format import TransformersFormat
from workers.text_models.pooling import MODULES, SentenceLayout, read_layout
from workers.text_models.token_windows import Windows

EMBEDDING = OutputField(name="embedding", type="list<float32>", meaning="vector of the note", over_frames="mean")


class TextEmbedding(TransformersFormat[Windows]):
    """A vector of a text."""

    name = "text-embedding"
    looks_for = "modules.json of sentence-transformers, or wardround.json with format 'text-embedding'"
    gives = "states"
    windows = Windows

    def recognises(self, directory: Path) -> bool:
        """Whether there is a `modules.json`, or a `wardround.json` that names this format."""
        return (directory / MODULES).is_file() or declared_format(directory) == self.name

    def describe(self, directory: Path) -> ModelCard:
        """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
        layout = read_layout(directory, self.name)
        return self.card(
            directory,
            self.read_config(layout.folder),
            [EMBEDDING],
            layout.windows,
            folder=layout.folder.relative_to(directory).as_posix(),
            longest=_longest(layout),
            lower=layout.lower,
            before=layout.prepare,
            pooling=layout.pooling,
            normalize=layout.normalize,
        )


FORMAT: TextFormat = TextEmbedding()


def _longest(layout: SentenceLayout) -> int | None:
    if layout.longest is not None and layout.longest < 4:
        raise SpecError(f"{layout.folder}: max_seq_length is {layout.longest}, which leaves no room for text")
    return layout.longest
