"""What a collection's room `training` has in its module `recipe`, as `RECIPES`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
from torch import Tensor

from workers.models.head import Head
from workers.training.recipe import Example, Recipe


@dataclass(frozen=True)
class FitTask:
    """What is to be fitted. `source` is the room's checked `INPUT`, `steps` the spec's prepare list as it stands there;
    `head` has a label for each logit of the network. `start`: a model directory on this node to begin from."""

    source: Any
    steps: tuple[Any, ...]
    head: Head
    start: Path | None = None


class TrainingRecipe(Recipe, Protocol):
    """A recipe that knows what a model directory of its network is."""

    def files(self, members: Sequence[Mapping[str, Tensor]]) -> Mapping[str, bytes]:
        """The model directory as `job: predict` takes it, by file name; of several members their mean as one model.

        Raises SpecError where the format has no such thing.
        """


@runtime_checkable
class HasRemarks(Protocol):
    """A recipe of which something is to be known beside its figures: what was left out, or drawn anew."""

    @property
    def remarks(self) -> Sequence[str]:
        """Sentences without record content."""


def remarks_of(recipe: TrainingRecipe) -> Sequence[str]:
    """Its remarks; none where it has nothing to say."""
    return recipe.remarks if isinstance(recipe, HasRemarks) else ()


class Recipes(Protocol):
    """How a collection trains."""

    def examples(self, rows: pa.Table) -> Sequence[Example]:
        """What stage `prepare` wrote of some records, each made when it is asked for: the table may be larger than
        memory. Raises SpecError for rows that no one network can take."""

    def open(self, task: FitTask, train: Sequence[Example]) -> TrainingRecipe:
        """The recipe. A vocabulary or normaliser is learned from `train`, the training examples alone, and is the same
        from the same ones: a recipe is opened again by every start. Raises SpecError."""
