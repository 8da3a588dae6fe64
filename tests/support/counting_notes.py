"""A model format on notes that measures texts: what it says of one proves which characters it was given."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel

from schemas.errors import RecordError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Encoded, ModelCard, Placement
from workers.models.files import read_json
from workers.text_models.contract import TextFormat

_CONFIG = "config.json"


class Prefix(BaseModel):
    """A step of this format: the first so many characters of each note."""

    characters: int


def write_model(directory: Path, **config: Any) -> Path:
    """A model directory; `refuses`: the scorer takes no note that has this in it; `prepare`: its steps."""
    directory.mkdir(parents=True)
    (directory / _CONFIG).write_text(json.dumps({"format": "counting-notes", **config}))
    return directory


class Encoder:
    """Texts after the prefix step, as bytes."""

    def __init__(self, steps: Sequence[Prefix]) -> None:
        self._steps = steps

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Each text as its steps leave it."""
        for step in self._steps:
            texts = [text[: step.characters] for text in texts]
        assert all(text.strip() for text in texts)
        return [Encoded(text, len(text)) for text in texts]

    def close(self) -> None:
        """Nothing runs."""


class Scorer:
    """Measures."""

    def __init__(self, card: ModelCard) -> None:
        self.outputs = card.outputs
        self._refuses = card.settings["refuses"]

    def score(self, values: Sequence[str]) -> dict[str, list[int]]:
        """Length and checksum of each text."""
        if self._refuses and any(self._refuses in value for value in values):
            raise RecordError(Status.OUT_OF_CONTRACT, "it has what this model does not take")
        return {
            "characters": [len(value) for value in values],
            "crc": [zlib.crc32(value.encode()) for value in values],
        }


class CountingNotes:
    """A model that counts characters: its directory holds a config and no weights."""

    steps: ClassVar[Mapping[str, type[BaseModel]]] = {"prefix": Prefix}
    looks_for = "a config.json with format: counting-notes"

    def recognises(self, directory: Path) -> bool:
        """Whether the config names this format."""
        return (directory / _CONFIG).exists() and read_json(directory / _CONFIG).get("format") == "counting-notes"

    def describe(self, directory: Path) -> ModelCard:
        """The card, with what the config says that the scorer refuses."""
        config = read_json(directory / _CONFIG)
        outputs = (
            OutputField(name="characters", type="int64", meaning="how many the note has"),
            OutputField(name="crc", type="int64", meaning="CRC-32 of its UTF-8"),
        )
        return ModelCard(
            "counting",
            outputs,
            tuple(config.get("prepare", ())),
            settings={"refuses": config.get("refuses"), "prefixes": []},
        )

    def with_steps(self, card: ModelCard, steps: Sequence[BaseModel]) -> ModelCard:
        """The card with the prefixes that texts are cut to."""
        return replace(card, settings={**card.settings, "prefixes": [step.model_dump() for step in steps]})

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> Encoder:
        """The encoder that cuts prefixes."""
        return Encoder([Prefix.model_validate(step) for step in card.settings["prefixes"]])

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        """The scorer, which has nothing to load."""
        return Scorer(card)


FORMAT: TextFormat = CountingNotes()
