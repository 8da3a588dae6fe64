"""A network over Morgan fingerprints as a directory: `config.json` and `model.safetensors`.

    {"format": "fingerprint", "format_version": 1,
     "network": "fingerprint_mlp", "settings": {"num_inputs": 2048, "num_outputs": 1, "hidden": [512, 128], ...},
     "fingerprint": {"radius": 2, "bits": 2048, "counts": false, "chirality": false, "features": false},
     "head": {"activation": "sigmoid", "labels": ["active"]}}

The fingerprint is RDKit's `GetMorganGenerator(radius, fpSize=bits, includeChirality=chirality)`: ECFP4 where nothing is
said, FCFP with `features`; bits as 0 and 1, or `counts`. Columns are `score_<label>`. Settings of the network and names
of its weights: workers/molecules/networks/fingerprint_mlp.py.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from workers import registry
from workers.contract import ModelCard, Placement, Scorer
from workers.models.head import score_fields
from workers.models.network_directory import CONFIG, EnsembleConfig, NetworkDirectory, NetworkSizes, settings_of
from workers.molecules.contract import MoleculeFormat, Wanted


class Fingerprint(Frozen):
    """`radius` in bonds, `bits` its length, `counts`: how often each feature is there instead of whether."""

    radius: int = Field(default=2, ge=0, le=10, description="of the neighbourhood of an atom, in bonds")
    bits: int = Field(default=2048, ge=8, le=1 << 20, description="length of the fingerprint")
    counts: bool = Field(default=False, description="how often each feature is there instead of whether")
    chirality: bool = Field(default=False, description="whether stereo isomers differ")
    features: bool = Field(default=False, description="atoms by what they do (FCFP) instead of what they are (ECFP)")


class FingerprintConfig(EnsembleConfig):
    """`config.json`."""

    format: Literal["fingerprint"]
    network: str = "fingerprint_mlp"
    fingerprint: Fingerprint = Fingerprint()


class FingerprintSizes(NetworkSizes):
    """What every network over fingerprints has."""

    num_inputs: int = Field(ge=1)


class FingerprintFormat(NetworkDirectory[FingerprintConfig, FingerprintSizes]):
    """One of the networks in workers/molecules/networks/, on fingerprints of RDKit."""

    name = "fingerprint"
    config = FingerprintConfig
    sizes = FingerprintSizes
    networks = registry.networks("molecules")

    def card(self, directory: Path, config: FingerprintConfig, sizes: FingerprintSizes) -> ModelCard:
        """The card of a fingerprint model: the network has one input for each bit."""
        if sizes.num_inputs != config.fingerprint.bits:
            raise SpecError(f"{directory / CONFIG}: settings.num_inputs differs from fingerprint.bits")
        settings = {**settings_of(config), "fingerprint": config.fingerprint.model_dump(mode="json")}
        return ModelCard(self.name, score_fields(config.head), settings=settings)

    def open_encoder(self, directory: Path, card: ModelCard, cpus: float) -> Wanted:
        """What RDKit has to compute."""
        return Wanted({"fingerprint": card.settings["fingerprint"]})

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Scorer:
        """The network on its device."""
        from workers.molecules.formats import fingerprint_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return fingerprint_loaded.load(directory, card, placement)


FORMAT: MoleculeFormat = FingerprintFormat()
