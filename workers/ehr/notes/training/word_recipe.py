"""How networks over words are fitted. Imports torch."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workers import registry
from workers.ehr.notes.formats.word_rnn import VOCABULARY, WordModelConfig, WordRnn
from workers.ehr.notes.formats.word_rnn_loaded import packed_words, side_by_side
from workers.ehr.notes.formats.word_tokens import FIRST, UNKNOWN, read_vocabulary
from workers.ehr.notes.training.shown_as import rule_of, start_config, word_steps
from workers.ehr.notes.training.vocabulary import fit_vocabulary
from workers.ehr.notes.training.words import HeldNotes
from workers.models.member_files import member_files
from workers.models.network_directory import CONFIG
from workers.training.held import Held, HeldExamples, all_of, together
from workers.training.job.recipes import FitTask
from workers.training.network import fresh_network, whole_settings


class WordRecipe:
    """Implements `workers.training.job.recipes.TrainingRecipe`. `vocabulary` has the words of the directory in their
    order. Raises SpecError for settings that the network has not."""

    def __init__(self, task: FitTask, vocabulary: Sequence[str], train: Sequence[Held[HeldNotes]]) -> None:
        self._task, self.vocabulary = task, vocabulary
        decided = {"words": len(vocabulary) + FIRST, "num_outputs": len(task.head.labels)}
        self.settings = whole_settings(task.source.network.settings, decided)
        held, notes = together(train)
        numbers = {word: number for number, word in enumerate(vocabulary, start=FIRST)}
        self._numbers = np.array([numbers.get(word, UNKNOWN) for word in held.names], np.int32)
        cut = int(held.cut[notes].sum())
        self.remarks = (
            (f"{cut:,} of {len(notes):,} training notes have more words than words.max_tokens keeps",) if cut else ()
        )
        self.network()

    def network(self) -> nn.Module:
        """With fresh weights, or those of the model directory that it starts from."""
        return fresh_network(
            registry.networks("notes"), self._task.source.network.name, self.settings, self._task.start
        )

    def batch(
        self, examples: Sequence[Held[HeldNotes]], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """As predict gives them to the network."""
        held, notes = together(examples)
        words, lengths = side_by_side([self._numbers[held.words_of(note)] for note in notes])
        return {"words": words, "lengths": lengths}, torch.from_numpy(targets.astype(np.float32))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(notes, logits)."""
        found: Tensor = network(packed_words(batch["words"], batch["lengths"]))
        return found

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory of format `wardround-note-model`."""
        named, files = member_files(members)
        cleaning, words = word_steps(self._task.steps)
        config = {
            "format": WordRnn.name,
            "format_version": 1,
            "network": self._task.source.network.name,
            "settings": dict(self.settings),
            "head": self._task.head.model_dump(mode="json"),
            "prepare": list(cleaning),
            "tokens": rule_of(self._task.source, self._task.start).model_dump(mode="json"),
            "words": words.model_dump(mode="json"),
            **named,
        }
        return {
            CONFIG: json.dumps(config, indent=1).encode() + b"\n",
            VOCABULARY: "".join(f"{word}\n" for word in self.vocabulary).encode(),
            **files,
        }


class WordRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def examples(self, rows: pa.Table) -> HeldExamples[HeldNotes]:
        """Notes of any length."""
        return all_of(HeldNotes.of_rows(rows))

    def open(self, task: FitTask, train: Sequence[Held[HeldNotes]]) -> WordRecipe:
        """With the vocabulary of the training notes, or of the model that it starts from."""
        if task.start is None:
            return WordRecipe(task, fit_vocabulary(train, task.source.vocabulary), train)
        config: WordModelConfig = start_config(task.start, task.source)
        words: Mapping[str, Any] = read_vocabulary(task.start / VOCABULARY, int(config.settings["words"]))
        return WordRecipe(task, list(words), train)


RECIPES = WordRecipes()
"""What `job: train` takes of this room for networks over words."""
