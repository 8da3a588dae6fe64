"""What a spec says of a training over notes. Imports no torch."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from workers.ehr.notes.formats.word_tokens import TokenRule
from workers.ehr.notes.settings import NotesInput
from workers.registry import PRETRAINED
from workers.text_models.training.settings import SpanTable, check_pretrained
from workers.training.job.settings import TrainKeys

_OF_WORDS = ("tokens", "vocabulary")


class WordVocabulary(Frozen):
    """Which words get a number of their own."""

    min_subjects: int = Field(
        default=5,
        ge=1,
        description="training subjects in whose notes a word is at least; rarer ones are unknown to the model, so that "
        "no name of one person gets into its directory",
    )
    max_words: int = Field(
        default=20_000, ge=1, le=5_000_000, description="the most words, those that most training subjects have"
    )


class NotesTraining(TrainKeys, NotesInput):
    """`input:` of a training over notes: that of predict, and what is learned from it.

    `network: {name: word_rnn}` begins with fresh weights; `network: {name: huggingface}` goes on from `start`, a
    Hugging Face directory.
    """

    searchable: ClassVar[tuple[str, ...]] = (*TrainKeys.searchable, "vocabulary")

    tokens: TokenRule = Field(default=TokenRule(), description="of word_rnn: how notes are cut into words")
    vocabulary: WordVocabulary = Field(
        default=WordVocabulary(), description="of word_rnn: which words of the training notes the model knows"
    )

    spans: SpanTable | None = Field(default=None, description="of an output of task spans: the labelled pieces")

    @model_validator(mode="after")
    def _has_its_spans(self) -> Self:
        if self.has_spans != (self.spans is not None):
            raise ValueError("spans: a table of them and an output of task spans go together")
        if self.has_spans and not self.is_pretrained:
            raise ValueError(f"outputs: spans are learned by network: {PRETRAINED} alone")
        if self.has_spans and self.fit.balance != "none":
            raise ValueError("fit.balance: is of whole records, and spans are of their tokens: leave it out")
        return self

    @model_validator(mode="after")
    def _fits_its_network(self) -> Self:
        check_pretrained(self)
        for name in _OF_WORDS:
            if name in self.model_fields_set and (self.is_pretrained or self.start is not None):
                raise ValueError(f"{name}: that of `start` is taken: leave it out")
        return self

    @property
    def is_pretrained(self) -> bool:
        """Whether a network of transformers is fine-tuned."""
        return self.network.name == PRETRAINED


INPUT = NotesTraining
"""What `input:` of a spec is checked against."""
