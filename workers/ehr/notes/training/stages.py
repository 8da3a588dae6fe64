"""The stages of a training over notes in a worker."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from workers.contract import Scorer
from workers.ehr.notes import stages as predicting
from workers.ehr.notes.formats.word_tokens import WordCutter
from workers.ehr.notes.note import TEXT
from workers.ehr.notes.reader import Preparation
from workers.ehr.notes.settings import ONLY_REFUSE, NotesInput
from workers.ehr.notes.steps import split_steps
from workers.ehr.notes.training.settings import NotesTraining
from workers.ehr.notes.training.shown_as import kind_of, rule_of, split_windows, word_steps
from workers.ehr.notes.training.words import WordRows
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.text_models.contract import TextEncoder
from workers.text_models.training.shown import TokenRows
from workers.text_models.training.spans import planned_spans
from workers.text_models.training.start import Start
from workers.text_models.training.tagged import TagRows, TagScoring
from workers.training.job.columns import PREPARE
from workers.training.job.heads import head_of
from workers.training.job.last_stages import last_stages
from workers.training.job.recipes import Recipes
from workers.training.job.settings import part_of
from workers.training.job.start import start_of


def prepare(context: StageContext) -> RecordStage:
    """Read, clean and cut as for scoring; what would be scored becomes columns."""
    source, steps = _source(context), tuple(context.run.parts["state"]["prepare"])
    before, _ = _split(source)(steps) if source.is_pretrained else word_steps(steps)
    cleaning, _ = split_steps(list(before), {})
    preparation = Preparation(cleaning, partial(_encoder, context, source, steps))
    notes = part_of(NotesInput, context.tightened(ONLY_REFUSE))
    reader = predicting.open_reader(context, notes, [preparation], keep_text=source.has_spans)
    return RecordStage(reader, partial(_scoring, context, source))


def _encoder(context: StageContext, source: NotesTraining, steps: Sequence[Any]) -> TextEncoder:
    start = start_of(context, source)
    if not source.is_pretrained or start is None:
        return WordCutter(rule_of(source, start), word_steps(steps)[1])
    begun = Start(start, *kind_of(source))
    return begun.encoder(begun.windows(_split(source)(steps)[1]), offsets=source.has_spans)


def _scoring(context: StageContext, source: NotesTraining) -> HeldScoring:
    if not source.has_spans:
        return HeldScoring({PREPARE: _rows(source)}, "cpu")
    spans = planned_spans(source, context.storage, context.run.parts["state"]["spans"])
    labels = head_of(source).labels
    first = {label.removeprefix("B-"): place for place, label in enumerate(labels) if label.startswith("B-")}
    return TagScoring(spans, first, TEXT)


def _recipes(context: StageContext) -> Recipes:
    """How the network is trained: modules that import torch, of which stage `prepare` has no need."""
    source = _source(context)
    if source.has_spans:
        from workers.text_models.training.tag_recipe import TagRecipes  # noqa: PLC0415

        return TagRecipes(_split(source), context)
    if source.is_pretrained:
        from workers.text_models.training.recipe import TextRecipes  # noqa: PLC0415

        return TextRecipes(_split(source))
    from workers.ehr.notes.training.word_recipe import RECIPES  # noqa: PLC0415

    return RECIPES


def _rows(source: NotesTraining) -> Scorer:
    if source.has_spans:
        return TagRows()
    return TokenRows() if source.is_pretrained else WordRows()


def _columns(context: StageContext) -> Sequence[str]:
    return (*(field.name for field in _rows(_source(context)).outputs), "record_id", "subject_id")


fit, package = last_stages(NotesTraining, _recipes, _columns)


def _split(source: NotesTraining) -> Any:
    return partial(split_windows, kind_of(source)[1])


def _source(context: StageContext) -> NotesTraining:
    return NotesTraining.model_validate(context.run.spec.input)
