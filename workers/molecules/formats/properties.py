"""Physico-chemical properties as a model: a directory with `config.json` and nothing else.

    {"format": "properties", "format_version": 1, "properties": ["tpsa", "logp", "molecular_weight", "qed"]}

The numbers are RDKit's own; their names: workers/molecules/properties.py. Each is a column of its name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import nearest, validate
from workers.contract import ModelCard, Placement
from workers.models.files import read_json
from workers.molecules.contract import MoleculeFormat, Numbers, Wanted
from workers.molecules.properties import PROPERTIES, output_fields

CONFIG = "config.json"
NAME = "properties"


class PropertiesConfig(Frozen):
    """`config.json`."""

    format: Literal["properties"]
    format_version: Literal[1]
    properties: tuple[str, ...] = Field(min_length=1)
    notes: str = Field(default="", description="free text")


class PropertyScorer:
    """Implements `workers.contract.Scorer`: the numbers are there already."""

    def __init__(self, card: ModelCard) -> None:
        self.outputs = card.outputs

    def score(self, values: Sequence[Numbers]) -> Mapping[str, Any]:
        """Each property by its name."""
        columns = np.stack(values)
        return {
            field.name: columns[:, place].astype(field.arrow_type.to_pandas_dtype())
            for place, field in enumerate(self.outputs)
        }


class Properties:
    """A list of properties that RDKit computes."""

    looks_for = "config.json with format 'properties'"

    def recognises(self, directory: Path) -> bool:
        """Whether `config.json` names this format."""
        path = directory / CONFIG
        return path.is_file() and read_json(path).get("format") == NAME

    def describe(self, directory: Path) -> ModelCard:
        """The card from `config.json`. Raises SpecError with what is wrong."""
        path = directory / CONFIG
        config = validate(PropertiesConfig, read_json(path), str(path))
        for name in config.properties:
            if name not in PROPERTIES:
                hint = nearest(name, PROPERTIES) or "."
                raise SpecError(f"{path}: property {name!r} is unknown{hint} Known: {', '.join(PROPERTIES)}")
        if len(set(config.properties)) != len(config.properties):
            raise SpecError(f"{path}: names a property twice")
        return ModelCard(NAME, output_fields(config.properties), settings={"properties": list(config.properties)})

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> Wanted:
        """What RDKit has to compute."""
        return Wanted({"properties": card.settings["properties"]})

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> PropertyScorer:
        """There are no weights."""
        return PropertyScorer(card)


FORMAT: MoleculeFormat = Properties()
