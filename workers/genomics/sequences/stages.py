"""Open the reading side of collection `sequences` in a worker, and load its models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from workers.engine.context import StageContext
from workers.engine.kinds import RecordStage
from workers.genomics.sequences import fasta_records, tables, vcf_fetching
from workers.genomics.sequences.fasta import Reference
from workers.genomics.sequences.fasta_file import FastaFile
from workers.genomics.sequences.fasta_records import FastaFetcher
from workers.genomics.sequences.models import load_scoring, model_views, run_models
from workers.genomics.sequences.reader import Fetcher, ModelView, SequenceReader
from workers.genomics.sequences.settings import SequencesInput
from workers.genomics.sequences.tables import TableFetcher
from workers.genomics.sequences.vcf_fetching import VariantFetcher


def predict(context: StageContext) -> RecordStage:
    """Read, cut and encode for the run's models."""
    source = SequencesInput.model_validate(context.run.spec.input)
    models = run_models(context)
    views = model_views(models)
    fetcher, columns = _fetcher(context, source, views)
    reader = SequenceReader(fetcher, columns, views, context.budget)
    return RecordStage(reader, partial(load_scoring, models, source.reference is not None))


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
