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
    """Two sentences, under the steps of its own that the directory names. Those before them are left out: a directory
    of texts may be of molecules, whose steps choose a SMILES."""
    own = [step for step in card.prepare if isinstance(step, Mapping) and step.keys() <= kind.steps.keys()]
    return score_text(kind, directory, with_steps(card, own), _NOTE)
