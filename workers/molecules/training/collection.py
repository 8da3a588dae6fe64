"""A training over molecules as a job sees it."""

from typing import Any

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers import registry
from workers.contract import ModelCard
from workers.molecules.collection import MoleculesCollection
from workers.molecules.collection import open_collection as open_molecules
from workers.molecules.steps import parse_steps
from workers.molecules.training.settings import MoleculesTraining
from workers.molecules.training.shown import SHOWN
from workers.molecules.training.smiles import split_smiles
from workers.text_models.training.collection import PretrainedTraining, written_steps
from workers.text_models.training.shown import SHOWN as TOKENS
from workers.training.job.collection import Training


class MoleculesToLearn(MoleculesCollection):
    """As in predict, for a network that has no model directory yet."""

    source: MoleculesTraining

    def __init__(self, source: MoleculesTraining, storage: StorageSettings) -> None:
        super().__init__(source, storage)
        self._storage = storage

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Which SMILES a network of text is given; none of one over fingerprints, which knows no SMILES."""
        if self.source.is_pretrained:
            parse_steps(given or ())
            return written_steps(self.source, self._storage, split_smiles, given)
        if given:
            raise SpecError("prepare: steps choose the SMILES of a model of text, and this one sees a fingerprint")
        return ()


def open_collection(source: MoleculesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The molecules that the input names. Raises SpecError, or MissingExtraError without RDKit."""
    open_molecules(source, storage, compute)
    molecules = MoleculesToLearn(source, storage)
    if source.is_pretrained:
        return PretrainedTraining(source, storage, molecules, TOKENS)
    registry.networks("molecules").require(source.network.name, "input.network.name")
    return Training(source, storage, molecules, SHOWN)
