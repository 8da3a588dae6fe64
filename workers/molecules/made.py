"""A made molecule through a model of molecules."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.contract import ModelCard
from workers.models.made import ON_CPU, score_text
from workers.molecules.contract import MoleculeFormat, Wanted
from workers.molecules.handler import build

_ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def score_made(kind: MoleculeFormat, directory: Path, card: ModelCard) -> Mapping[str, Any]:
    """Aspirin, as its SMILES or as the numbers that the model wants of it."""
    encoder = kind.open_encoder(directory, card, 1)
    encoder.close()
    if not isinstance(encoder, Wanted):
        return score_text(kind, directory, card, _ASPIRIN)
    handle = build({"standardize": [], "max_atoms": 1000, "wants": [dict(encoder.wants)]})
    (numbers,) = handle(memoryview(_ASPIRIN.encode()), {}).arrays
    scorer = kind.load(directory, card, ON_CPU)
    return {name: values[0] for name, values in scorer.score([numbers]).items()}
