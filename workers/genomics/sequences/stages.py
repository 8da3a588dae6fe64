"""Open the reading side of collection `sequences` in a worker, and load its models."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from workers.contract import Scorer
from workers.genomics.sequences import fasta_records, tables, vcf_fetching
from workers.genomics.sequences.contract import SequenceFormat, SequenceScorer
from workers.genomics.sequences.fasta import Reference
from workers.genomics.sequences.fasta_file import FastaFile
from workers.genomics.sequences.fasta_records import FastaFetcher
from workers.genomics.sequences.outputs import ColumnScorer
from workers.genomics.sequences.reader import Fetcher, ModelView, SequenceReader
from workers.genomics.sequences.regions import View
from workers.genomics.sequences.settings import ONLY_REFUSE, SequencesInput
from workers.genomics.sequences.steps import SPLICE_CONTEXT, parse_steps, settled
from workers.genomics.sequences.tables import TableFetcher
from workers.genomics.sequences.vcf_fetching import VariantFetcher
from workers.models.detect import Formats
from workers.pipeline.context import StageContext
from workers.pipeline.holding import HeldScoring
from workers.pipeline.kinds import RecordStage
from workers.pipeline.opened import RunModels, load_scorers, open_encoder

FORMATS = Formats[SequenceFormat]("sequences")

Models = RunModels[SequenceFormat]


def run_models(context: StageContext) -> Models:
    """Every model of the run."""
    return RunModels(context, FORMATS, lambda card, steps: settled(card, parse_steps(list(steps))))


def model_views(models: Models) -> list[ModelView]:
    """What each model is to be shown, in the run's order. Loads no weights."""
    return [_view(models, name) for name in models.names]


def _view(models: Models, name: str) -> ModelView:
    says = models[name].card.settings
    view = View(parse_steps(list(models[name].steps)), says["alphabet"], says.get("longest"), says.get("fixed_length"))
    return ModelView(view, partial(open_encoder, models, name))


def load_scoring(models: Models, has_variants: bool) -> HeldScoring:
    """Every model of the run, loaded to this worker's device."""
    scorers = {name: _by_column(models, name, has_variants, found) for name, found in load_scorers(models).items()}
    return HeldScoring(scorers, models.device, remedy="give the workers more memory, or take a shorter window")


def _by_column(models: Models, name: str, has_variants: bool, scorer: SequenceScorer | Scorer) -> Scorer:
    """A card says which of the two its scorer is (`workers.genomics.sequences.contract.SequenceFormat`)."""
    if SPLICE_CONTEXT in models[name].card.settings:
        return cast(Scorer, scorer)
    return ColumnScorer(cast(SequenceScorer, scorer), has_variants)


def predict(context: StageContext) -> RecordStage:
    """Read, cut and encode for the run's models."""
    source = SequencesInput.model_validate(context.tightened(ONLY_REFUSE))
    models = run_models(context)
    reader = open_reader(context, source, model_views(models))
    return RecordStage(reader, partial(load_scoring, models, source.reference is not None))


def open_reader(context: StageContext, source: SequencesInput, views: Sequence[ModelView]) -> SequenceReader:
    """Read the sequences, regions or variants of this input for models that see them so."""
    fetcher, columns = _fetcher(context, source, views)
    return SequenceReader(fetcher, columns, views, context.budget)


def _fetcher(
    context: StageContext, source: SequencesInput, models: Sequence[ModelView]
) -> tuple[Fetcher, Sequence[str]]:
    """What reads the input, and the columns of the plan that it needs."""
    if source.reference is not None:
        steps = [model.view.steps for model in models]
        left, right = max(step.left for step in steps), max(step.right for step in steps)
        opener = partial(Reference, source.reference, context.storage)
        return VariantFetcher(opener, left, right), vcf_fetching.COLUMNS
    if source.kind == "fasta":
        opened = partial(FastaFile, source.uri, context.storage, "input.uri")
        return FastaFetcher(opened, source.max_bases), fasta_records.COLUMNS
    return TableFetcher(source, context.storage), tables.COLUMNS
