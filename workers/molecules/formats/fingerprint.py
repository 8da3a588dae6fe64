"""A network over Morgan fingerprints as a directory: `config.json` and `model.safetensors`.

    {"format": "fingerprint", "format_version": 1,
     "network": "fingerprint_mlp", "settings": {"num_inputs": 2048, "num_outputs": 1, "hidden": [512, 128], ...},
     "fingerprint": {"radius": 2, "bits": 2048, "counts": false, "chirality": false, "features": false},
     "head": {"activation": "sigmoid", "labels": ["active"]}}

The fingerprint is RDKit's `GetMorganGenerator(radius, fpSize=bits, includeChirality=chirality)`: ECFP4 where nothing is
said, FCFP with `features`; bits as 0 and 1, or `counts`. Columns are `score_<label>`. Settings of the network and names
of its weights: workers/molecules/networks/fingerprint_mlp.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from workers.contract import ModelCard
from workers.models.files import check_safetensors, read_json
from workers.models.head import Head, score_fields
from workers.molecules.contract import MoleculeScorer, Wanted
from workers.registry import MOLECULE_NETWORKS

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
NAME = "fingerprint"
LOOKS_FOR = "config.json with format 'fingerprint'"


class Fingerprint(BaseModel):
    """`radius` in bonds, `bits` its length, `counts`: how often each feature is there instead of whether."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    radius: int = Field(default=2, ge=0, le=10)
    bits: int = Field(default=2048, ge=8, le=1 << 20)
    counts: bool = False
    chirality: bool = False
    features: bool = False


class FingerprintConfig(BaseModel):
    """`config.json`. `settings` are those of the network's own `Config`, which checks them at load."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["fingerprint"]
    format_version: Literal[1]
    network: str = "fingerprint_mlp"
    settings: dict[str, Any]
    fingerprint: Fingerprint = Fingerprint()
    head: Head
    notes: str = Field(default="", description="free text: data, licence, intended use")


def recognises(directory: Path) -> bool:
    """Whether `config.json` names this format."""
    path = directory / CONFIG
    return path.is_file() and read_json(path).get("format") == NAME


def describe(directory: Path) -> ModelCard:
    """The card from `config.json`. Raises SpecError with what is wrong, SecurityError if the weights are a pickle."""
    path = directory / CONFIG
    config = validate(FingerprintConfig, read_json(path), str(path))
    check_safetensors(directory / WEIGHTS)
    if config.network not in MOLECULE_NETWORKS:
        hint = nearest(config.network, MOLECULE_NETWORKS) or "."
        raise SpecError(
            f"{path}: network {config.network!r} is unknown{hint} Known: {', '.join(sorted(MOLECULE_NETWORKS))}"
        )
    if config.settings.get("num_inputs") != config.fingerprint.bits:
        raise SpecError(f"{path}: settings.num_inputs differs from fingerprint.bits")
    if config.settings.get("num_outputs") != len(config.head.labels):
        raise SpecError(f"{path}: settings.num_outputs differs from the number of head.labels")
    settings = config.model_dump(mode="json", include={"network", "settings", "fingerprint"})
    settings["activation"] = config.head.activation
    return ModelCard(NAME, score_fields(config.head), settings=settings)


def open_encoder(directory: Path, card: ModelCard, steps: Sequence[Any], cpus: float) -> Wanted:
    """What RDKit has to compute."""
    return Wanted({"fingerprint": card.settings["fingerprint"]})


def load(directory: Path, card: ModelCard, device: str, threads: int) -> MoleculeScorer:
    """The network on `device`."""
    from workers.molecules.formats import fingerprint_loaded  # noqa: PLC0415 - imports torch, which the driver must not

    return fingerprint_loaded.load(directory / WEIGHTS, card, device, threads)
