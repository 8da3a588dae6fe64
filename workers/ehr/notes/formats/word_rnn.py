"""A recurrent network over the words of a note, as a directory: `config.json`, `model.safetensors`, `vocabulary.txt`.

    {"format": "wardround-note-model", "format_version": 1,
     "network": "word_rnn", "settings": {"words": 20002, "num_outputs": 2, "cell": "lstm", ...},
     "head": {"activation": "softmax", "labels": ["stable", "readmitted"]},
     "tokens": {"rule": "words", "lower": true},       optional: workers.ehr.notes.formats.word_tokens.TokenRule
     "prepare": [{"html": {}}],                        optional: how notes are cleaned before
     "words": {"max_tokens": 2000, "keep": "start"}}   optional: what the step `words` says otherwise

Settings and names of weights: workers/ehr/notes/networks/word_rnn.py. `vocabulary.txt` has a word a line; the first
line is number 2, 0 is padding, 1 any word that is not there. Columns are `score_<label>`, `n_tokens` (words of the
note), `oov_rate` (share of unknown ones among those kept) and `truncated` (whether there were more than `max_tokens`).

Batches are cut by length and differ between shard sizes; sums in another order change a score by 1e-7 or so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from schemas.outputs import OutputField
from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.ehr.notes.formats.word_tokens import COUNTS, STEP, TokenRule, WordEncoder, Words, read_vocabulary
from workers.models.head import check_fields
from workers.models.network_directory import CONFIG, EnsembleConfig, NetworkDirectory, NetworkSizes, settings_of
from workers.text_models.contract import TextEncoder, TextFormat

VOCABULARY = "vocabulary.txt"


class WordModelConfig(EnsembleConfig):
    """`config.json`."""

    format: Literal["wardround-note-model"]
    outputs: tuple[OutputField, ...] = ()
    prepare: tuple[Any, ...] = ()
    tokens: TokenRule = TokenRule()
    words: Words = Words()


class WordSizes(NetworkSizes):
    """What every network over words has."""

    words: int = Field(ge=1)


class WordRnn(NetworkDirectory[WordModelConfig, WordSizes]):
    """One of the networks in workers/ehr/notes/networks/, with its vocabulary."""

    name = "wardround-note-model"
    config = WordModelConfig
    sizes = WordSizes
    networks = registry.networks("notes")
    steps: ClassVar[Mapping[str, type[BaseModel]]] = {STEP: Words}

    def card(self, directory: Path, config: WordModelConfig, sizes: WordSizes) -> ModelCard:
        """The card of a word model, whose vocabulary has to fit its network."""
        read_vocabulary(directory / VOCABULARY, sizes.words)
        fields = check_fields(config.head, config.outputs, str(directory / CONFIG))
        own = config.model_dump(mode="json", include={"tokens", STEP})
        return ModelCard(
            format="word-rnn",
            outputs=(*fields, *COUNTS),
            prepare=(*config.prepare, {STEP: own[STEP]}),
            settings={**settings_of(config), **own},
        )

    def with_steps(self, card: ModelCard, steps: Sequence[BaseModel]) -> ModelCard:
        """The card with the last of these steps in place of the directory's own."""
        return replace(card, settings={**card.settings, STEP: steps[-1].model_dump(mode="json")}) if steps else card

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> TextEncoder:
        """Words to numbers, as the directory and the steps say."""
        settings: Mapping[str, Any] = card.settings
        numbers = read_vocabulary(directory / VOCABULARY, settings["settings"]["words"])
        return WordEncoder(numbers, TokenRule.model_validate(settings["tokens"]), Words.model_validate(settings[STEP]))

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        """The network in float32 on its device."""
        from workers.ehr.notes.formats import word_rnn_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return word_rnn_loaded.load(directory, card, placement)


FORMAT: TextFormat = WordRnn()
