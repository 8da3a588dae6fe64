"""The stages of a training over sequences in a worker."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.outputs import OutputField
from workers.genomics.sequences import stages as predicting
from workers.genomics.sequences.formats.cnn import WindowEncoder
from workers.genomics.sequences.reader import ModelView
from workers.genomics.sequences.regions import View
from workers.genomics.sequences.settings import ONLY_REFUSE, SequencesInput
from workers.genomics.sequences.training.collection import SHOWN, WINDOW
from workers.genomics.sequences.training.recipe import RECIPES
from workers.genomics.sequences.training.settings import SequencesTraining
from workers.genomics.sequences.training.steps import steps_of
from workers.genomics.sequences.windows import VariantWindow
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.training.job.columns import PREPARE
from workers.training.job.last_stages import last_stages
from workers.training.job.settings import part_of


class BaseRows:
    """Implements `workers.contract.Scorer`: a row a sequence."""

    outputs: tuple[OutputField, ...] = SHOWN

    def score(self, values: Sequence[VariantWindow]) -> Mapping[str, Any]:
        """The columns of `SHOWN`."""
        return {"bases": [window.bases.tobytes() for window in values]}


def prepare(context: StageContext) -> RecordStage:
    """Read as for scoring; what would be scored becomes a column."""
    state = context.run.parts["state"]
    steps, window = steps_of(tuple(state["prepare"])), state[WINDOW]
    view = ModelView(View(steps, "dna", window, window), WindowEncoder)
    sequences = part_of(SequencesInput, context.tightened(ONLY_REFUSE))
    reader = predicting.open_reader(context, sequences, [view])
    return RecordStage(reader, lambda: HeldScoring({PREPARE: BaseRows()}, "cpu"))


fit, package = last_stages(SequencesTraining, lambda _: RECIPES, [field.name for field in SHOWN])
