"""Open the reading side of collection `sequences` in a worker, and load its models."""

from __future__ import annotations

from functools import partial

from workers.engine.context import StageContext
from workers.engine.kinds import RecordStage
from workers.sequences.fasta import Reference
from workers.sequences.models import load_scoring, model_views
from workers.sequences.reader import SequenceReader
from workers.sequences.settings import SequencesInput
from workers.sequences.vcf_fetching import COLUMNS, VariantFetcher


def predict(context: StageContext) -> RecordStage:
    """Read, cut and encode for the run's models."""
    source = SequencesInput.model_validate(context.run.spec.input)
    models = model_views(context)
    has_variants = source.reference is not None
    steps = [model.view.steps for model in models]
    left, right = max(step.left for step in steps), max(step.right for step in steps)
    open_reference = partial(_open_reference, context, str(source.reference))
    fetcher = VariantFetcher(open_reference, left, right)
    reader = SequenceReader(fetcher, COLUMNS, models, context.budget)
    return RecordStage(reader, partial(load_scoring, context, has_variants))


def _open_reference(context: StageContext, uri: str, etag: str) -> Reference:
    return Reference(uri, context.storage, etag)
