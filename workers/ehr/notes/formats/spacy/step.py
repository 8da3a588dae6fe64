"""The prepare step `language` of spaCy pipelines, and the columns that it asks for."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen
from schemas.outputs import OutputField

STEP = "language"

PUNKT = "punkt"
"""In a card's settings: the digest of Punkt's data, empty where they are not used."""

_SPAN = "start: int32, end: int32"
_FLAGS = "negated: bool, uncertain: bool, historical: bool, family: bool"


class LanguageStep(Frozen):
    """What to write of a note. Offsets are characters of the text, ends exclusive.

    `text` adds the words of each entity to its struct: they are record content. `tokens` adds the columns `tokens` and
    `n_tokens`: of the pipeline's own tokenizer, with part of speech (`pos`, universal) and tag, or of NLTK's Treebank
    (sentence by sentence) or WordPunct tokenizer, without. `sentences` adds `sentences` and `n_sentences`: of the
    pipeline, or of NLTK's Punkt, whose data (`tokenizers/punkt_tab/<language>`) must lie in the directory `nltk_data`
    on every node. A note longer than `max_chars` characters is `too_large`: the English pipeline needs about 5 kB of
    memory a character.
    """

    text: bool = Field(
        default=False, description="whether the words of each entity are written too; they are record content"
    )
    tokens: Literal["none", "spacy", "treebank", "wordpunct"] = Field(
        default="none", description="whose tokens are written, or none"
    )
    sentences: Literal["none", "spacy", "punkt"] = Field(
        default="none", description="whose sentences are written, or none"
    )
    nltk_data: str | None = Field(
        default=None, description="directory of NLTK's data on every node, for sentences: punkt"
    )
    punkt_language: str = Field(
        default="english", pattern=r"^[a-z_]+$", description="language of the data for sentences: punkt"
    )
    max_chars: int = Field(default=200_000, gt=0, le=1_000_000, description="characters of a note; more is too_large")


def outputs_of(step: LanguageStep, rules_digest: str, punkt_digest: str = "") -> tuple[OutputField, ...]:
    """The columns of a step. The digests stand in them because other rules or data give other values."""
    words = ", text: string" if step.text else ""
    fields = [
        OutputField(
            name="entities",
            type=f"list<struct<{_SPAN}, label: string, section: string, {_FLAGS}{words}>>",
            meaning="entities in order: character offsets, the pipeline's label, section of the note, and what is "
            f"said of it (ConText; rules {rules_digest[:16]})",
            over_frames="concat",
        )
    ]
    if step.tokens != "none":
        fields += [
            OutputField(
                name="tokens",
                type=f"list<struct<{_SPAN}, pos: string, tag: string>>",
                meaning=f"tokens by {step.tokens}, white space left out",
                over_frames="concat",
            ),
            OutputField(name="n_tokens", type="int32", meaning="number of tokens", over_frames="sum"),
        ]
    if step.sentences != "none":
        data = f" (data {punkt_digest[:16]})" if punkt_digest else ""
        fields += [
            OutputField(
                name="sentences",
                type=f"list<struct<{_SPAN}>>",
                meaning=f"sentences by {step.sentences}{data}",
                over_frames="concat",
            ),
            OutputField(name="n_sentences", type="int32", meaning="number of sentences", over_frames="sum"),
        ]
    return tuple(fields)
