"""A training over genotypes as a job sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cluster.storage import StorageSettings
from schemas.spec import Compute
from workers import registry
from workers.collection import PREDICT, StagePlan
from workers.contract import ModelCard
from workers.finished_runs.stage import FinishedStage
from workers.genomics.genotypes.collection import GenotypesCollection
from workers.genomics.genotypes.layout import MATCH
from workers.genomics.genotypes.outputs import PANEL
from workers.genomics.genotypes.tables import file_digest
from workers.genomics.genotypes.training.copies import SHOWN
from workers.genomics.genotypes.training.panels import NAME, asked_panel
from workers.genomics.genotypes.training.settings import GenotypesTraining
from workers.genomics.genotypes.training.steps import steps_of
from workers.training.job.collection import Training

_BYTES_A_CALL = 12
"""What one call takes while a block of samples is prepared: its copies as a number, in a row, and in Parquet."""


class SamplesToLearn(GenotypesCollection):
    """The panel is matched as that of a model is; then come the samples, with no columns of predict."""

    def __init__(self, source: GenotypesTraining, storage: StorageSettings, compute: Compute) -> None:
        super().__init__(source, storage, compute)
        self._uri = source.panel
        self._raw: tuple[Any, ...] = ()

    @property
    def stages(self) -> tuple[str, ...]:
        """Nothing is counted: frequencies are those of the training samples."""
        return (MATCH, PREDICT)

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """The steps of the spec."""
        self._raw = given or ()
        steps_of(self._raw)
        return self._raw

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """As in predict with a model of this panel, which is part of the fingerprint in its stead."""
        digest = file_digest(self._uri, self._storage)
        variants = asked_panel(self._uri, self._storage, digest).height
        card = ModelCard(format=PANEL, outputs=(), settings={"variants": _BYTES_A_CALL * variants})
        found = super().plan(stage, finished, {NAME: card})
        state = {**found.state, "panel": digest, "steps": list(self._raw)}
        return replace(found, state=state, with_models=False, header_carry=(), header_types={})


def open_collection(source: GenotypesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The samples that the input names. Raises SpecError if they cannot be used."""
    registry.networks("genotypes").require(source.network.name, "input.network.name")
    return Training(source, storage, SamplesToLearn(source, storage, compute), SHOWN)
