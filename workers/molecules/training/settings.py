"""What a spec says of a training over molecules. Imports nothing heavy: the driver reads this too."""

from typing import Self

from pydantic import Field, model_validator

from workers.molecules.formats.fingerprint import Fingerprint
from workers.molecules.settings import MoleculesInput
from workers.registry import PRETRAINED
from workers.text_models.training.settings import check_pretrained
from workers.training.job.settings import TrainKeys


class MoleculesTraining(TrainKeys, MoleculesInput):
    """`input:` of a training over molecules: that of predict, and what is learned from it.

    `network: {name: fingerprint_mlp}` begins with fresh weights and sees fingerprints; `network: {name: huggingface}`
    goes on from `start`, a Hugging Face directory, and sees SMILES.
    """

    fingerprint: Fingerprint = Field(
        default=Fingerprint(), description="of fingerprint_mlp: what the network is shown of a molecule"
    )

    @model_validator(mode="after")
    def _fits_its_network(self) -> Self:
        check_pretrained(self)
        if self.is_pretrained and "fingerprint" in self.model_fields_set:
            raise ValueError(f"fingerprint: network: {PRETRAINED} sees SMILES: leave it out")
        return self

    @property
    def is_pretrained(self) -> bool:
        """Whether a network of transformers is fine-tuned."""
        return self.network.name == PRETRAINED


INPUT = MoleculesTraining
"""What `input:` of a spec is checked against."""
