"""A training over sequences as a job sees it."""

from typing import Any

from cluster.storage import StorageSettings
from schemas.outputs import OutputField
from schemas.spec import Compute
from workers import registry
from workers.contract import ModelCard
from workers.genomics.sequences.collection import SequencesCollection
from workers.genomics.sequences.training.settings import SequencesTraining
from workers.genomics.sequences.training.steps import written_steps
from workers.training.job.collection import Training

SHOWN = (OutputField(name="bases", type="binary", meaning="letters A, C, G, T and N of the sequence"),)
"""What a training keeps of each sequence."""


class SequencesToLearn(SequencesCollection):
    """As in predict, for a network that has no model directory yet."""

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """What becomes of codes of several bases, and whether both strands are read."""
        return written_steps(given)


def open_collection(source: SequencesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The sequences that the input names. Raises SpecError if they cannot be used."""
    registry.networks("sequences").require(source.network.name, "input.network.name")
    return Training(source, storage, SequencesToLearn(source, storage), SHOWN)
