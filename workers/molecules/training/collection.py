"""A training over molecules as a job sees it."""

from typing import Any

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers import registry
from workers.contract import ModelCard
from workers.molecules.collection import MoleculesCollection
from workers.molecules.collection import open_collection as open_molecules
from workers.molecules.training.settings import MoleculesTraining
from workers.molecules.training.shown import SHOWN
from workers.training.job.collection import Training


class MoleculesToLearn(MoleculesCollection):
    """As in predict, for a network over fingerprints, which knows no SMILES."""

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """None."""
        if given:
            raise SpecError("prepare: steps choose the SMILES of a model of text, and this one sees a fingerprint")
        return ()


def open_collection(source: MoleculesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The molecules that the input names. Raises SpecError, or MissingExtraError without RDKit."""
    registry.networks("molecules").require(source.network.name, "input.network.name")
    open_molecules(source, storage, compute)
    return Training(source, storage, MoleculesToLearn(source, storage), SHOWN)
