"""A fine-tuning of a network of transformers as a job sees it. Imports no torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from cluster.storage import StorageSettings, fetch_directory
from schemas.errors import SpecError
from schemas.loading import validate
from workers.collection import StagePlan
from workers.finished_runs.stage import FinishedStage
from workers.registry import PRETRAINED
from workers.text_models.classification import TextClassification
from workers.text_models.token_classification import TextTokenClassification
from workers.text_models.token_windows import STEP, EntityWindows, ScoreWindows, Windows
from workers.text_models.training.settings import PretrainedSettings
from workers.text_models.training.spans import read_spans
from workers.text_models.training.start import Start
from workers.training.job.collection import Training
from workers.training.job.heads import head_of
from workers.training.job.search import at_each_point
from workers.training.job.settings import TrainKeys

Split = Callable[[Sequence[Any]], tuple[tuple[Any, ...], Sequence[BaseModel]]]
"""A prepare list as the steps before the windows, as they stand there, and those of the format. Raises SpecError."""


Kind = tuple[str, type[Windows]]
"""Name of a format, and the settings of its windows."""

OF_SCORES: Kind = (TextClassification.name, ScoreWindows)
OF_SPANS: Kind = (TextTokenClassification.name, EntityWindows)


def written_steps(
    source: TrainKeys,
    storage: StorageSettings,
    split: Split,
    given: tuple[Any, ...] | None,
    kind: Kind = OF_SCORES,
) -> tuple[Any, ...]:
    """The prepare list of a training with every setting of its windows; that of `start` where the spec has none.

    Raises SpecError where it does not fit the directory that the training starts from.
    """
    assert source.start is not None
    fetched = fetch_directory(source.start, storage)
    with fetched.named(f"input.start: {source.start}"):
        start = Start(fetched.path, *kind)
        before, own = split(start.declared.prepare if given is None else given)
        return (*before, {STEP: start.windows(own).model_dump(mode="json")})


class PretrainedTraining(Training):
    """Begins with a network that is there already."""

    def _check_network(self) -> None:
        # It imports torch, which a driver needs for nothing else.
        from workers.text_models.training.texts import over_windows  # noqa: PLC0415

        def check(source: TrainKeys) -> None:
            if source.network.name != PRETRAINED:
                raise SpecError(
                    f"input.network.name: records are prepared for {PRETRAINED}, and {source.network.name} "
                    "is shown others: fit it in a job of its own"
                )
            validate(PretrainedSettings, source.network.settings, "input.network.settings")

        at_each_point(self.source, check)
        if self.source.has_spans:
            return
        how = ScoreWindows.model_validate(next(step[STEP] for step in self._steps if STEP in step))
        over_windows(head_of(self.source).activation, how)


class TaggedTraining(PretrainedTraining):
    """Learns labelled pieces of texts, which are put to their tokens as records are prepared."""

    def _plan_prepare(self, finished: Sequence[FinishedStage]) -> StagePlan:
        _, digest = read_spans(self.source, self._storage)
        plan = super()._plan_prepare(finished)
        return replace(plan, state={**plan.state, "spans": digest})
