"""A package of the user's with formats on notes, molecules and sequences that never come to the end of some record."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from schemas.outputs import OutputField
from tests.support.counting_notes import CountingNotes, Scorer
from tests.support.made_package import make_package
from workers.contract import Encoded, ModelCard, Placement
from workers.genomics.sequences.windows import VariantWindow
from workers.models.files import read_json
from workers.molecules.contract import Numbers
from workers.molecules.formats.properties import Properties, PropertyScorer
from workers.molecules.properties import output_fields

STALLS = {"notes": "forever", "molecules": ".[U]", "sequences": "TTTTTTTTTTTT"}
"""What a record has in it that is never scored, by collection."""
_KIND = "stalling"
_WEIGHT, _HEAVY = "molecular_weight", 200


def with_stalling_formats(folder: Path) -> Mapping[str, str]:
    """The environment in which they are installed."""
    entries = "".join(
        f"{collection}.stalling = tests.support.stalling_formats:{name}\n"
        for collection, name in (("notes", "TEXTS"), ("molecules", "MOLECULES"), ("sequences", "SEQUENCES"))
    )
    make_package(folder, "stalling_formats", "[wardround.formats]\n" + entries)
    return {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), str(folder)])}


def write_stalling(directory: Path, collection: str) -> Path:
    """A model directory for that collection."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps({"format": _KIND, "stalls": STALLS[collection]}))
    return directory


def stall(text: str, marker: str) -> None:
    """Hold the interpreter longer than the sun will shine where the marker is in the text."""
    if marker in text:
        re.match(r"(a+)+$", "a" * 60 + "b")


class StallingScorer(Scorer):
    """Measures texts."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__(card)
        self._stalls = card.settings["stalls"]

    def score(self, values: Sequence[str]) -> dict[str, list[int]]:
        """Length and checksum of each text, if it comes to that."""
        for value in values:
            stall(value, self._stalls)
        return super().score(values)


class StallingTexts(CountingNotes):
    """Counts characters."""

    looks_for = "a config.json with format: stalling"

    def recognises(self, directory: Path) -> bool:
        """Whether the config names this format."""
        return (directory / "config.json").exists() and read_json(directory / "config.json").get("format") == _KIND

    def describe(self, directory: Path) -> ModelCard:
        """The card, with what is never scored."""
        card = super().describe(directory)
        return ModelCard(_KIND, card.outputs, settings={**card.settings, **read_json(directory / "config.json")})

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> StallingScorer:
        """The scorer, which has nothing to load."""
        return StallingScorer(card)


class StallingSequences(StallingTexts):
    """Counts bases."""

    def describe(self, directory: Path) -> ModelCard:
        """The card of a model on DNA of any length."""
        fields = (OutputField(name="bases", type="float32", meaning="how many the sequence has"),)
        settings = {"alphabet": "dna", "longest": None, **read_json(directory / "config.json")}
        return ModelCard(_KIND, fields, settings=settings)

    def with_steps(self, card: ModelCard, steps: Sequence[Any]) -> ModelCard:
        """No step changes it."""
        return card

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> SequenceTexts:
        """Sequences as text."""
        return SequenceTexts()

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> BaseCounter:
        """The scorer, which has nothing to load."""
        return BaseCounter(card)


class SequenceTexts:
    """An encoder."""

    def encode(self, windows: Sequence[VariantWindow]) -> list[Encoded]:
        """Each window's bases as text."""
        texts = [window.ref_window().tobytes().decode() for window in windows]
        return [Encoded(text, len(text)) for text in texts]

    def close(self) -> None:
        """Nothing runs."""


class BaseCounter:
    """A scorer."""

    def __init__(self, card: ModelCard) -> None:
        self.outputs = card.outputs
        self._stalls = card.settings["stalls"]

    def score(self, values: Sequence[str]) -> tuple[Any, None]:
        """How many bases each has, if it comes to that."""
        for value in values:
            stall(value, self._stalls)
        return np.array([[len(value)] for value in values], np.float32), None


class StallingProperties(Properties):
    """Weighs molecules."""

    looks_for = "a config.json with format: stalling"

    def recognises(self, directory: Path) -> bool:
        """Whether the config names this format."""
        return TEXTS.recognises(directory)

    def describe(self, directory: Path) -> ModelCard:
        """The card of the weight alone."""
        return ModelCard(_KIND, output_fields([_WEIGHT]), settings={"properties": [_WEIGHT]})

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Weigher:
        """The scorer, which has nothing to load."""
        return Weigher(card)


class Weigher(PropertyScorer):
    """Weighs all but the heavy ones."""

    def score(self, values: Sequence[Numbers]) -> Mapping[str, Any]:
        """The weights, if it comes to that."""
        for value in values:
            stall("heavy" if value[0] > _HEAVY else "", "heavy")
        return super().score(values)


TEXTS = StallingTexts()
MOLECULES = StallingProperties()
SEQUENCES = StallingSequences()
