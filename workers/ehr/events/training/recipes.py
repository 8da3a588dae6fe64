"""How `job: train` fits networks on events. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from torch import Tensor

from schemas.errors import SpecError
from schemas.loading import validate
from workers.ehr.events.formats.directory import CODES, EventModelConfig
from workers.ehr.events.formats.encoder import Encoding
from workers.ehr.events.formats.vocabulary import read_codes
from workers.ehr.events.training.histories import HeldHistories
from workers.ehr.events.training.package import write_trained
from workers.ehr.events.training.recipe import EventRecipe
from workers.ehr.events.training.vocabulary import FittedVocabulary, fit_vocabulary
from workers.models.files import read_json
from workers.models.network_directory import CONFIG
from workers.training.held import Held, HeldExamples, all_of
from workers.training.job.directory import written
from workers.training.job.recipes import FitTask

_MOST_CODES = 100_000_000


class TrainedEvents(EventRecipe):
    """A recipe that knows its model directory. Implements `workers.training.job.recipes.TrainingRecipe`."""

    def __init__(self, task: FitTask, vocabulary: FittedVocabulary, encoding: Encoding) -> None:
        network, outputs = task.source.network, len(task.head.labels)
        super().__init__(network.name, network.settings, vocabulary, encoding, outputs, task.start)
        self._task = task

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory of format `wardround-event-model`."""
        source = self._task.source
        more = {"task": source.predicts, "code_system": source.code_system}
        return written(lambda folder: write_trained(folder, self, members, self._task.head, **more))


class EventRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def examples(self, rows: pa.Table) -> HeldExamples[HeldHistories]:
        """Histories of any length."""
        return all_of(HeldHistories.of_rows(rows))

    def open(self, task: FitTask, train: Sequence[Held[HeldHistories]]) -> TrainedEvents:
        """With the vocabulary of the training subjects, or of the model that it starts from."""
        encoding: Encoding = task.source.history.encoding()
        if task.start is None:
            return TrainedEvents(task, fit_vocabulary(train, task.source.vocabulary), encoding)
        config = _config(task.start)
        if config.network != task.source.network.name or config.encoding.oov == "drop":
            raise SpecError(
                f"input.start: is a {config.network} with encoding.oov: {config.encoding.oov}; it has to be a "
                f"{task.source.network.name} with encoding.oov: unknown"
            )
        table = read_codes(task.start / CODES, _MOST_CODES)
        fallback = encoding.model_copy(update={"fallback": config.encoding.fallback})
        return TrainedEvents(task, FittedVocabulary(table, 0), fallback)


def _config(start: Path) -> EventModelConfig:
    path = start / CONFIG
    return validate(EventModelConfig, read_json(path), f"input.start: {CONFIG}")


RECIPES = EventRecipes()
"""What `job: train` takes of this room."""
