"""The `prepare` steps of models on molecules: which SMILES a model of text is given."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from schemas.frozen import Frozen
from workers import prepare_list


class Smiles(Frozen):
    """`canonical`: RDKit's own, of the molecule as it was standardised. `given`: as it stands in the input."""

    form: Literal["canonical", "given"] = Field(
        default="canonical",
        description="which SMILES a model of text is given: RDKit's canonical one after standardising, or "
        "that of the input",
    )


STEPS: prepare_list.StepTable[BaseModel] = prepare_list.StepTable(
    "molecules", {"smiles": "workers.molecules.steps:Smiles"}, BaseModel, open=False
)
"""The steps by the names that a spec gives."""


def parse_steps(raw: object) -> Smiles:
    """A whole `prepare` list. Raises SpecError (`workers.prepare_list`)."""
    found: dict[str, Any] = dict(prepare_list.parse_steps(raw, STEPS))
    step: Smiles = found.get("smiles", Smiles())
    return step
