"""The stages of a conversion from PLINK and BGEN files in a worker."""

from cluster.storage import ObjectChanged
from schemas.errors import RefusedError, SpecError
from workers.conversion.account import AccountStage
from workers.conversion.layout import READ
from workers.finished_runs.stage import stage_at
from workers.genomics.convert_plink.reader import PlinkReader
from workers.genomics.convert_plink.settings import PlinkInput
from workers.genomics.files.joined import FileSource
from workers.genomics.files.opening import open_source
from workers.genomics.table.account import account_stage
from workers.genomics.table.read_stage import ReadStage
from workers.genomics.table.variants_stage import VariantsStage
from workers.pipeline.context import StageContext


def read(context: StageContext) -> ReadStage:
    """Variants to parts of the table."""
    return ReadStage(context, PlinkReader(_source(context)))


def variants(context: StageContext) -> VariantsStage:
    """The lists of the table."""
    source, files = PlinkInput.model_validate(context.run.spec.input), _source(context)
    said = {"source": source.format, "build": source.build, "dosages": files.has_dosages}
    return VariantsStage(context, files.samples(), said)


def account(context: StageContext) -> AccountStage:
    """One row a line of .bim or .pvar, or a variant of .bgen."""
    return account_stage(context)


def _source(context: StageContext) -> FileSource:
    source = PlinkInput.model_validate(context.run.spec.input)
    state = stage_at(context.store, READ).run.parts["state"]
    try:
        return open_source(source.format, source.uri, context.storage, state["files"], source)
    except (ObjectChanged, SpecError):
        raise RefusedError(
            "the files of input.uri were changed or removed since they were planned: restore them, then run again"
        ) from None
