"""A training over notes as a job sees it."""

from functools import partial
from typing import Any

from cluster.storage import StorageSettings, fetch_directory
from schemas.spec import Compute
from workers import registry
from workers.contract import ModelCard
from workers.ehr.notes.collection import NotesCollection
from workers.ehr.notes.formats.word_tokens import STEP
from workers.ehr.notes.training.settings import NotesTraining
from workers.ehr.notes.training.shown_as import kind_of, split_windows, start_config, word_steps
from workers.ehr.notes.training.words import SHOWN as WORDS
from workers.text_models.training.collection import PretrainedTraining, TaggedTraining, written_steps
from workers.text_models.training.shown import SHOWN as TOKENS
from workers.text_models.training.tagged import SHOWN as TAGS
from workers.training.job.collection import Training


class NotesToLearn(NotesCollection):
    """As in predict, for a network that has no model directory yet."""

    source: NotesTraining

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Cleaning, and how the network is shown what is left: as the spec says, else as `start` recommends."""
        if self.source.is_pretrained:
            kind = kind_of(self.source)
            return written_steps(self.source, self._storage, partial(split_windows, kind[1]), given, kind)
        if given is None and self.source.start is not None:
            fetched = fetch_directory(self.source.start, self._storage)
            config = start_config(fetched.path, self.source)
            given = (*config.prepare, {STEP: config.words.model_dump(mode="json")})
        cleaning, words = word_steps(given or ())
        return (*cleaning, {STEP: words.model_dump(mode="json")})


def open_collection(source: NotesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The notes that the input names. Raises SpecError if they cannot be used."""
    notes = NotesToLearn(source, storage)
    if source.has_spans:
        return TaggedTraining(source, storage, notes, TAGS)
    if source.is_pretrained:
        return PretrainedTraining(source, storage, notes, TOKENS)
    registry.networks("notes").require(source.network.name, "input.network.name")
    return Training(source, storage, notes, WORDS)
