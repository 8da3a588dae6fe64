"""A Hugging Face text classification directory, as `save_pretrained` of transformers writes it.

Read are `config.json` (architectures `...ForSequenceClassification`), `model.safetensors` or its shards,
`tokenizer.json`, `tokenizer_config.json`, and `wardround.json` where the author recommends windows:

    {"format": "text-classification", "format_version": 1,
     "windows": {"window": 512, "stride": 64, "aggregation": "mean"},
     "prepare": [{"html": {}}]}                    optional: the prepare steps before the windows

Columns are `score_<label>` for the labels of `id2label` in the order of their numbers, then `n_tokens`, `n_windows`
and `truncated`. Activation as in transformers' own pipeline: none for `problem_type: regression`, sigmoid for
`multi_label_classification` or a single label, else softmax. A long note's score is made from those of its windows
(`workers.text_models.token_windows`).
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from schemas.errors import SpecError
from workers.contract import ModelCard
from workers.models.head import score_fields
from workers.models.huggingface import CONFIG, ArchitectureFormat, head_of
from workers.text_models.contract import TextFormat
from workers.text_models.directory import DeclaredText, read_declared
from workers.text_models.format import TransformersFormat
from workers.text_models.token_windows import STEP, ScoreWindows


class TextClassification(ArchitectureFormat, TransformersFormat[ScoreWindows]):
    """Scores of a text, a label each."""

    name = "text-classification"
    suffix = "ForSequenceClassification"
    gives = "texts"
    windows = ScoreWindows

    def describe(self, directory: Path) -> ModelCard:
        """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
        config = self.read_config(directory)
        declared = read_declared(directory, self.name, DeclaredText)
        head = head_of(config, directory / CONFIG)
        card = self.card(
            directory,
            config,
            score_fields(head),
            declared.windows,
            activation=head.activation,
            labels=head.labels,
            before=declared.prepare,
        )
        return self.with_steps(card, ())

    def with_steps(self, card: ModelCard, steps: Sequence[BaseModel]) -> ModelCard:
        """The card under these steps. Raises SpecError for an aggregation that the head does not go with."""
        chosen = super().with_steps(card, steps)
        if card.settings["activation"] == "none" and chosen.settings[STEP]["aggregation"] == "clinicalbert":
            raise SpecError(
                f"{STEP}.aggregation 'clinicalbert' is for probabilities, the model is a regression: use 'mean'"
            )
        return chosen


FORMAT: TextFormat = TextClassification()
