"""A made note through a model of notes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.contract import ModelCard
from workers.ehr.notes.steps import with_steps
from workers.models.made import score_text
from workers.text_models.contract import TextFormat

_NOTE = "The patient was admitted with pneumonia. No fever today."


def score_made(kind: TextFormat, directory: Path, card: ModelCard) -> Mapping[str, Any]:
    """Two sentences, under the steps that the directory names."""
    return score_text(kind, directory, with_steps(card, list(card.prepare)), _NOTE)
