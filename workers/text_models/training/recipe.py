"""How a network of transformers is fine-tuned to tell something of whole texts. Imports torch."""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from schemas.errors import SpecError
from workers.text_models.directory import CARD
from workers.text_models.format import MADE
from workers.text_models.network import TextNetwork, filled_up
from workers.text_models.same_tokens import check_tokens
from workers.text_models.token_windows import STEP, ScoreWindows, Windows
from workers.text_models.tokenized import Gives, Tokens
from workers.text_models.tokenizer import TOKENIZER, TOKENIZER_CONFIG
from workers.text_models.training.collection import OF_SCORES, Split
from workers.text_models.training.network import Beginning
from workers.text_models.training.shown import HeldTexts
from workers.text_models.training.start import Start
from workers.text_models.training.texts import over_windows
from workers.text_models.vocabulary import BPE, WORDPIECE
from workers.training.held import Held, HeldExamples, all_of, together
from workers.training.job.directory import written
from workers.training.job.recipes import FitTask

W = TypeVar("W", bound=Windows)
T = TypeVar("T", bound=HeldTexts)

_TOKENIZER_FILES = (TOKENIZER, TOKENIZER_CONFIG, "special_tokens_map.json", "added_tokens.json", *WORDPIECE, *BPE)
_PROBE_TOKENS = 1024
_COUNTS = "windows"


class FineTuned(Generic[W]):
    """What trainings of transformers' models do alike. `kind` is the format of the directory that comes of it, `split`
    parts a prepare list into the steps before the windows, as they stand there, and those of the format.

    Raises SpecError for a directory that `predict` would not take, or whose answers change with what lies beside a
    text.
    """

    gives: ClassVar[Gives]
    kind: ClassVar[tuple[str, Any]]

    def __init__(self, task: FitTask, split: Split) -> None:
        assert task.start is not None
        self.before, own = split(task.steps)
        self.start: Start[W] = Start(task.start, *self.kind)
        self.how: W = self.start.windows(own)
        self.beginning = Beginning(task.start, self.start.config, self.gives, task.head)
        tokenizer = self.start.open().tokenizer
        check_tokens(task.start, lambda text: tokenizer.encode(text).ids, MADE)
        check_layout(self.network(), task.start, self.gives)

    def network(self) -> nn.Module:
        """With the weights of `start`."""
        found: nn.Module = self.beginning.network()
        return found

    def filled_up(self, windows: Sequence[Sequence[Tokens]]) -> dict[str, Tensor]:
        """All windows of some texts as predict gives them to the network."""
        return filled_up([window for text in windows for window in text], self.beginning.padding)

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """A directory as `save_pretrained` writes it, with the tokenizer of `start` and `wardround.json`."""
        (weights,) = members
        card = {
            "format": self.kind[0],
            "format_version": 1,
            STEP: self.how.model_dump(mode="json"),
            "prepare": list(self.before),
        }
        return written(partial(_write, self.beginning, self.start.folder, weights, card))


class TextRecipe(FineTuned[ScoreWindows]):
    """Implements `workers.training.job.recipes.TrainingRecipe`: what is true of whole texts."""

    gives = "texts"
    kind = OF_SCORES

    def __init__(self, task: FitTask, split: Split, train: Sequence[Held[HeldTexts]]) -> None:
        super().__init__(task, split)
        self._together = over_windows(task.head.activation, self.how)
        self.remarks = remarks_of(self.beginning, train)

    def batch(
        self, examples: Sequence[Held[HeldTexts]], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """All windows of these texts as predict gives them to the network, and how many each has."""
        held, texts = together(examples)
        windows = [held.windows(text) for text in texts]
        counts = torch.tensor([len(text) for text in windows])
        return {**self.filled_up(windows), _COUNTS: counts}, torch.from_numpy(targets.astype(np.float32))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(texts, logits)."""
        given = {name: tensor for name, tensor in batch.items() if name != _COUNTS}
        return self._together(network(**given).logits.float(), batch[_COUNTS].tolist())


class TextRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def __init__(self, split: Split) -> None:
        self._split = split

    def examples(self, rows: pa.Table) -> HeldExamples[HeldTexts]:
        """Texts of any length."""
        return all_of(HeldTexts(rows))

    def open(self, task: FitTask, train: Sequence[Held[HeldTexts]]) -> TextRecipe:
        """The network of `start`, with a head for these outputs."""
        return TextRecipe(task, self._split, train)


def check_layout(network: Any, folder: Path, gives: Gives) -> None:
    """Raises SpecError for a network that has to see texts one by one: it is fitted in batches with padding."""
    tried = TextNetwork(network, gives, "cpu", _PROBE_TOKENS)
    tried.settle(str(folder))
    if tried.layout not in ("packed", "padded"):
        raise SpecError(
            f"{folder}: this {network.config.model_type!r} model gives a text another answer beside longer ones in "
            "transformers, so that it cannot be fitted in batches: begin from another model"
        )


def remarks_of(beginning: Beginning, train: Sequence[Held[T]]) -> tuple[str, ...]:
    """What is to be known of it beside its figures."""
    held, texts = together(train)
    cut = int(held.truncated[texts].sum())
    found = ["the head of `start` is learned further" if beginning.keeps_head else "the head began with fresh weights"]
    if cut:
        found.append(f"of {cut:,} of {len(texts):,} training texts windows.max_windows left some out")
    return tuple(found)


def _write(
    beginning: Beginning, start: Path, weights: Mapping[str, Tensor], card: Mapping[str, Any], folder: Path
) -> None:
    beginning.write(folder, weights)
    for name in _TOKENIZER_FILES:
        if (start / name).is_file():
            shutil.copyfile(start / name, folder / name)
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
