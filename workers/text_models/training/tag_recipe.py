"""How a network of transformers is fine-tuned to label pieces of texts. Imports torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from schemas.errors import SpecError
from schemas.wording import counted
from workers.finished_runs.stage import stage_at
from workers.pipeline.context import StageContext
from workers.text_models.entities import windows_by_context
from workers.text_models.token_windows import EntityWindows
from workers.text_models.training.collection import OF_SPANS, Split
from workers.text_models.training.recipe import FineTuned, remarks_of
from workers.text_models.training.spans import planned_spans
from workers.text_models.training.tagged import HeldTags, TaggedExamples
from workers.training.held import Held, together
from workers.training.job.columns import PREPARE
from workers.training.job.recipes import FitTask

_PLACES = "places"


class TagRecipe(FineTuned[EntityWindows]):
    """Implements `workers.training.job.recipes.TrainingRecipe`: a class a token, each from the window that predict
    takes it from. `remarks` are those of the table of spans."""

    gives = "tokens"
    kind = OF_SPANS

    def __init__(self, task: FitTask, split: Split, train: Sequence[Held[HeldTags]], remarks: Sequence[str]) -> None:
        super().__init__(task, split)
        opened = self.start.open()
        self._lead, self._special = opened.lead, opened.lead + opened.tail
        self.remarks = (*remarks_of(self.beginning, train), *remarks, *_of_spans(train))

    def batch(
        self, examples: Sequence[Held[HeldTags]], targets: NDArray[np.float64], generator: np.random.Generator | None
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """All windows of these texts, where the logits of each token are among theirs, and its label."""
        held, texts = together(examples)
        windows = [held.windows(text) for text in texts]
        longest = max(len(window) for text in windows for window in text)
        places, first = [], 0
        for text, own in zip(texts, windows, strict=True):
            places.append(self._places(held.starts(text), own, longest) + first * longest)
            first += len(own)
        labels = np.concatenate([held.tags(text) for text in texts]).astype(np.float32)
        return {**self.filled_up(windows), _PLACES: torch.from_numpy(np.concatenate(places))}, torch.from_numpy(labels)[
            :, None
        ]

    def _places(self, starts: Sequence[int], windows: Sequence[Any], longest: int) -> NDArray[np.int64]:
        counts = [len(window) - self._special for window in windows]
        of = windows_by_context(starts, counts)
        return of * longest + self._lead + np.arange(len(of)) - np.array(starts, np.int64)[of]

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """(tokens, labels)."""
        given = {name: tensor for name, tensor in batch.items() if name != _PLACES}
        found: Tensor = network(**given).logits.float().flatten(0, 1)
        return found[batch[_PLACES]]


class TagRecipes:
    """Implements `workers.training.job.recipes.Recipes`."""

    def __init__(self, split: Split, context: StageContext) -> None:
        self._split, self._context = split, context

    def examples(self, rows: pa.Table) -> TaggedExamples:
        """Texts of any length."""
        held = HeldTags(rows)
        return TaggedExamples(held, len(held))

    def open(self, task: FitTask, train: Sequence[Held[HeldTags]]) -> TagRecipe:
        """The network of `start`, with a head for these labels. Raises SpecError where there is no span to learn."""
        held, texts = together(train)
        if not (held.spans - held.lost)[texts].sum():
            raise SpecError(
                "input.spans: not one span is in a training record: correct spans.record, or the splits of the records"
            )
        return TagRecipe(task, self._split, train, self._of_table(task))

    def _of_table(self, task: FitTask) -> Sequence[str]:
        prepared = stage_at(self._context.store, PREPARE)
        digest = prepared.run.parts["state"]["spans"]
        spans = planned_spans(task.source, self._context.storage, digest)
        lone = len(spans.keys() - set(prepared.all_rows(["record_id"])["record_id"].to_pylist()))
        told = [f"the table of spans has sha256 {digest}"]
        return [*told, f"spans of {counted(lone, 'record')} that are not in the input"] if lone else told


def _of_spans(train: Sequence[Held[HeldTags]]) -> list[str]:
    held, texts = together(train)
    spans, lost, moved = (int(column[texts].sum()) for column in (held.spans, held.lost, held.moved))
    found = [f"{spans:,} spans in {len(texts):,} training records"]
    if lost:
        found.append(f"{lost:,} of them have no token, of blanks or outside of the windows, and are not learned")
    if moved:
        found.append(f"{moved:,} of them begin or end within a token, and are learned as whole tokens")
    return found
