"""A Hugging Face token classification directory: named entities, or what de-identification must find.

Read is what `workers.text_models.classification` reads, with architectures `...ForTokenClassification` and format
`text-token-classification` in `wardround.json`. Column `entities` has one entry a span: `start` and `end` are
characters of the text that the model was given (end exclusive), `label` is without its `B-` or `I-`, `score` the mean
probability of the span's tokens. Spans are joined as transformers' `TokenClassificationPipeline` joins them with
`aggregation_strategy="simple"`; label `O` is left out. Then `n_tokens`, `n_windows` and `truncated`.

Neighbouring windows of a long note overlap, a quarter of a window unless told otherwise, so that every token is seen
with context on both sides.
"""

from pathlib import Path

from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.models.huggingface import CONFIG, ArchitectureFormat, head_of
from workers.text_models.contract import TextFormat
from workers.text_models.directory import DeclaredText, read_declared
from workers.text_models.format import TransformersFormat
from workers.text_models.token_windows import EntityWindows

ENTITIES = OutputField(
    name="entities",
    type="list<struct<start: int32, end: int32, label: string, score: float32>>",
    meaning="spans by characters of the text the model was given (end exclusive), and their mean probability",
    over_frames="concat",
)


class TextTokenClassification(ArchitectureFormat, TransformersFormat[EntityWindows]):
    """Labelled spans of a text."""

    name = "text-token-classification"
    suffix = "ForTokenClassification"
    gives = "tokens"
    with_offsets = True
    windows = EntityWindows

    def describe(self, directory: Path) -> ModelCard:
        """The card from the configuration files. Raises SecurityError for what could run code, SpecError otherwise."""
        config = self.read_config(directory)
        declared = read_declared(directory, self.name, DeclaredText)
        labels = head_of(config, directory / CONFIG).labels
        return self.card(directory, config, [ENTITIES], declared.windows, before=declared.prepare, labels=labels)


FORMAT: TextFormat = TextTokenClassification()
