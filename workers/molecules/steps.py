"""The `prepare` steps of models on molecules: which SMILES a model of text is given."""

from typing import Any, Literal

from pydantic import BaseModel

from schemas.frozen import Frozen
from workers import steps


class Smiles(Frozen):
    """`canonical`: RDKit's own, of the molecule as it was standardised. `given`: as it stands in the input."""

    form: Literal["canonical", "given"] = "canonical"


STEPS: steps.StepTable[BaseModel] = steps.StepTable(
    "molecules", {"smiles": "workers.molecules.steps:Smiles"}, BaseModel, open=False
)
"""The steps by the names that a spec gives."""


def parse_steps(raw: object) -> Smiles:
    """A whole `prepare` list. Raises SpecError (`workers.steps`)."""
    found: dict[str, Any] = dict(steps.parse_steps(raw, STEPS))
    step: Smiles = found.get("smiles", Smiles())
    return step
