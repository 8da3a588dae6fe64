"""A training over sequences as a job sees it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.outputs import OutputField
from schemas.spec import Compute
from workers import registry
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.finished_runs.stage import FinishedStage
from workers.genomics.sequences.collection import SequencesCollection
from workers.genomics.sequences.training.settings import SequencesTraining
from workers.genomics.sequences.training.steps import written_steps
from workers.training.job.collection import Training
from workers.training.job.heads import head_of
from workers.training.job.search import at_each_point

WINDOW = "window"
"""In the state of stage `prepare`: letters of a sequence that the network takes."""

SHOWN = (OutputField(name="bases", type="binary", meaning="letters A, C, G, T and N of the sequence"),)
"""What a training keeps of each sequence."""


class SequencesToLearn(SequencesCollection):
    """As in predict, for a network that has no model directory yet."""

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """What becomes of codes of several bases, and whether both strands are read."""
        return written_steps(given)


class SequenceTraining(Training):
    """Knows how long the sequences have to be: that follows from the network, which stage `prepare` is planned for."""

    def _check_network(self) -> None:
        super()._check_network()
        window = self._window(self.source)

        def check(source: SequencesTraining) -> None:
            other = self._window(source)
            if other != window:
                raise SpecError(
                    f"input.network.settings: sequences are prepared for a window of {window} bases, and this network "
                    f"takes {other}: fit it in a job of its own"
                )

        at_each_point(self.source, check)

    def _plan_prepare(self, finished: Sequence[FinishedStage]) -> StagePlan:
        plan = super()._plan_prepare(finished)
        return replace(plan, state={**plan.state, WINDOW: self._window(self.source)})

    @staticmethod
    def _window(source: SequencesTraining) -> int:
        # Networks import torch, which a driver needs for nothing else.
        from workers.genomics.sequences.training.recipe import config_of  # noqa: PLC0415

        return int(config_of(source, len(head_of(source).labels)).window)


def open_collection(source: SequencesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The sequences that the input names. Raises SpecError if they cannot be used."""
    registry.networks("sequences").require(source.network.name, "input.network.name")
    return SequenceTraining(source, storage, SequencesToLearn(source, storage), SHOWN)
