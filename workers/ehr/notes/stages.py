"""Open the reading side of collection `notes` in a worker, and load its models."""

from collections.abc import Sequence
from dataclasses import fields
from functools import partial

from schemas.errors import RefusedError
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.files import Found
from workers.ehr.notes.reader import NoteReader, Preparation
from workers.ehr.notes.settings import ONLY_REFUSE, NotesInput
from workers.ehr.notes.steps import NOTE_FORMATS, format_steps, split_steps, with_steps
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.pipeline.opened import RunModels, load_scorers, open_encoder
from workers.text_models.contract import TextEncoder, TextFormat

Models = RunModels[TextFormat]


def run_models(context: StageContext) -> Models:
    """Every model of the run."""
    return RunModels(context, NOTE_FORMATS, with_steps)


def preparations(context: StageContext, models: Models) -> list[Preparation]:
    """Each model's way from a text to what it scores, in the run's order. Fetches nothing yet."""
    return [_preparation(context, models, name) for name in models.names]


def _preparation(context: StageContext, models: Models, name: str) -> Preparation:
    own = format_steps(context.run.models[name].format)
    cleaning, _ = split_steps(list(context.run.prepare[name]), own)
    return Preparation(cleaning, partial(_encoder, context, models, name))


def _encoder(context: StageContext, models: Models, name: str) -> TextEncoder:
    """The model's encoder. Raises RefusedError where a file beside its directory is not as the run was planned with: it
    stands in the meaning of a column (`language: nltk_data`), and lies on every node.
    """
    planned = [(column.output, column.meaning) for column in context.run.columns if column.model == name]
    if not {(output.name, output.meaning) for output in models[name].card.outputs} <= set(planned):
        raise RefusedError(
            f"model {name}: its columns are not those that the run was planned with: give this node the files beside "
            "the model (language: nltk_data) and the wardround that the others have"
        )
    return open_encoder(models, name)


def load_scoring(models: Models) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    remedy = "give the workers more memory, or lower input.max_chars"
    return HeldScoring(load_scorers(models), models.device, remedy=remedy)


def predict(context: StageContext) -> RecordStage:
    """Read, clean and encode for the run's models."""
    source = NotesInput.model_validate(context.tightened(ONLY_REFUSE))
    models = run_models(context)
    reader = open_reader(context, source, preparations(context, models))
    return RecordStage(reader, partial(load_scoring, models))


def open_reader(
    context: StageContext, source: NotesInput, preparations: Sequence[Preparation], keep_text: bool = False
) -> NoteReader:
    """Read the notes of this input, prepared so. `keep_text`: even where the spec does not ask for the text."""
    state = context.run.parts["state"]
    found = Found(**{field.name: state[field.name] for field in fields(Found)})
    fetcher = NoteFetcher(source, found, context.storage)
    return NoteReader(fetcher, preparations, context.budget, source.keep_text or keep_text)
