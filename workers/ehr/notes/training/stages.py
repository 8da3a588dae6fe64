"""The stages of a training over notes in a worker."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from workers.contract import Scorer
from workers.ehr.notes import stages as predicting
from workers.ehr.notes.formats.word_tokens import WordCutter
from workers.ehr.notes.reader import Preparation
from workers.ehr.notes.settings import ONLY_REFUSE, NotesInput
from workers.ehr.notes.steps import split_steps
from workers.ehr.notes.training.settings import NotesTraining
from workers.ehr.notes.training.shown_as import rule_of, split_windows, word_steps
from workers.ehr.notes.training.words import WordRows
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.text_models.classification import TextClassification
from workers.text_models.contract import TextEncoder
from workers.text_models.token_windows import ScoreWindows
from workers.text_models.training.shown import TokenRows
from workers.text_models.training.start import Start
from workers.training.job.columns import PREPARE
from workers.training.job.fit_stage import FitStage
from workers.training.job.package_stage import PackageStage
from workers.training.job.recipes import Recipes
from workers.training.job.settings import part_of
from workers.training.job.start import start_of


def prepare(context: StageContext) -> RecordStage:
    """Read, clean and cut as for scoring; what would be scored becomes columns."""
    source, steps = _source(context), tuple(context.run.parts["state"]["prepare"])
    before, _ = split_windows(steps) if source.is_pretrained else word_steps(steps)
    cleaning, _ = split_steps(list(before), {})
    preparation = Preparation(cleaning, partial(_encoder, context, source, steps))
    reader = predicting.open_reader(context, part_of(NotesInput, context.tightened(ONLY_REFUSE)), [preparation])
    rows: Scorer = TokenRows() if source.is_pretrained else WordRows()
    return RecordStage(reader, lambda: HeldScoring({PREPARE: rows}, "cpu"))


def _encoder(context: StageContext, source: NotesTraining, steps: Sequence[Any]) -> TextEncoder:
    start = start_of(context, source)
    if not source.is_pretrained or start is None:
        return WordCutter(rule_of(source, start), word_steps(steps)[1])
    begun = Start(start, TextClassification.name, ScoreWindows)
    return begun.encoder(begun.windows(split_windows(steps)[1]))


def fit(context: StageContext) -> FitStage:
    """One network."""
    source = _source(context)
    return FitStage(context, _recipes(source), source, _columns(source))


def package(context: StageContext) -> PackageStage:
    """The model directory."""
    source = _source(context)
    return PackageStage(context, _recipes(source), source, _columns(source))


def _recipes(source: NotesTraining) -> Recipes:
    if source.is_pretrained:
        from workers.text_models.training.recipe import TextRecipes  # noqa: PLC0415 - imports torch, as the next one

        return TextRecipes(split_windows)
    from workers.ehr.notes.training.word_recipe import RECIPES  # noqa: PLC0415

    return RECIPES


def _columns(source: NotesTraining) -> Sequence[str]:
    rows = TokenRows if source.is_pretrained else WordRows
    return (*(field.name for field in rows.outputs), "record_id", "subject_id")


def _source(context: StageContext) -> NotesTraining:
    return NotesTraining.model_validate(context.run.spec.input)
