"""The stages of an evaluation in a worker."""

from schemas.errors import RefusedError
from schemas.run import MANIFEST_KEY
from workers.evaluation.columns import JOIN
from workers.evaluation.figures_stage import FiguresStage
from workers.evaluation.join_stage import JoinStage
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.source import open_source
from workers.finished_runs.run import open_run
from workers.finished_runs.stage import stage_at
from workers.labels.table import planned_labels
from workers.pipeline.context import StageContext

_CHANGED = "a run that is evaluated was changed since the evaluation was planned: restore it"


def join(context: StageContext) -> JoinStage:
    """Labels to the rows of the run."""
    source = EvaluateInput.model_validate(context.run.spec.input)
    state = context.run.parts["state"]
    labels = None if source.labels is None else planned_labels(source.labels, context.storage, state["labels"])
    opened = open_source(source, context.storage, frozenset(state["labelled"]))
    compared = None if opened.other is None else opened.other.store.sha256(MANIFEST_KEY)
    if (opened.run.store.sha256(MANIFEST_KEY), compared) != (state["manifest"], state.get("compared")):
        raise RefusedError(_CHANGED)
    return JoinStage(context, opened, labels)


def figures(context: StageContext) -> FiguresStage:
    """Figures of the joined rows."""
    source, joined = EvaluateInput.model_validate(context.run.spec.input), stage_at(context.store, JOIN)
    evaluated = open_run(source.run, context.storage)
    if evaluated.store.sha256(MANIFEST_KEY) != joined.run.parts["state"]["manifest"]:
        raise RefusedError(_CHANGED)
    return FiguresStage(context, joined, evaluated.run)
