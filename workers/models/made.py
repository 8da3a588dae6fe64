"""A model loaded and tried on a record that is made for it, to see that it works: `made.score_made` of a collection."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from workers.contract import Encoded, EncoderFormat, ModelCard, Placement, Scorer

ON_CPU = Placement("cpu", 1)

ScoreMade = Callable[[Any, Path, ModelCard], Mapping[str, Any]]
"""`(format, directory, card)`: the values of one made record by output. Raises SpecError where the model cannot be
loaded, RecordError where no record that can be made here fits it."""


class EncodesTexts(Protocol):
    """The half of a model that takes texts."""

    def encode(self, texts: list[str]) -> list[Encoded]:
        """One value a text."""

    def close(self) -> None:
        """Stop threads and children."""


def score_text(kind: EncoderFormat[Scorer, Any], directory: Path, card: ModelCard, text: str) -> Mapping[str, Any]:
    """The values of one text by output."""
    scorer = kind.load(directory, card, ON_CPU)
    encoder: EncodesTexts = kind.open_encoder(directory, card, 1)
    try:
        (encoded,) = encoder.encode([text])
    finally:
        encoder.close()
    return {name: values[0] for name, values in scorer.score([encoded.value]).items()}


class Exported(NamedTuple):
    """An ONNX model, and the `wardround.json` that says how it is used."""

    onnx: bytes
    card: Mapping[str, Any]


Export = Callable[[Path, ModelCard], Exported]
"""`onnx_export.export` of a collection, `(directory, card)`. Raises SpecError where the format or network has no such
form."""
