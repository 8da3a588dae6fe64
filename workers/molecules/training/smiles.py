"""The prepare list of a training over SMILES: which of a molecule's is given. Imports no torch."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from workers.molecules.steps import parse_steps
from workers.prepare_list import without
from workers.text_models.token_windows import STEP


def split_smiles(given: Sequence[Any]) -> tuple[tuple[Any, ...], Sequence[BaseModel]]:
    """The step `smiles` written out, and nothing: a molecule is one window, as long as the model takes. Raises
    SpecError (`workers.prepare_list`)."""
    return ({"smiles": parse_steps(without(given, STEP)).model_dump(mode="json")},), ()
