"""The stages of a conversion from VCF in a worker."""

import polars as pl

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import RefusedError
from workers.conversion.account import AccountStage
from workers.conversion.chunks import key_of
from workers.conversion.layout import READ
from workers.finished_runs.stage import stage_at
from workers.genomics.convert_vcf.files import fields_asked, header_of, root_of, sample_frame
from workers.genomics.convert_vcf.reader import VcfReader
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.table.account import account_stage
from workers.genomics.table.collection import samples_digest
from workers.genomics.table.read_stage import ReadStage
from workers.genomics.table.variants_stage import VariantsStage
from workers.pipeline.context import StageContext


def read(context: StageContext) -> ReadStage:
    """Lines to parts of the table."""
    source = VcfInput.model_validate(context.run.spec.input)
    return ReadStage(context, VcfReader(root_of(source, context.storage)[0], source, _samples(context, source)))


def variants(context: StageContext) -> VariantsStage:
    """The lists of the table."""
    source = VcfInput.model_validate(context.run.spec.input)
    samples = _samples(context, source)
    said = {"source": "vcf", "build": source.build, "dosages": source.dosage is not None}
    return VariantsStage(context, samples, said, fields_asked(source), source.impute_sex)


def account(context: StageContext) -> AccountStage:
    """One row a line."""
    return account_stage(context)


def _samples(context: StageContext, source: VcfInput) -> pl.DataFrame:
    """The samples as they were planned: too many to be in a run file, so that only their digest is."""
    read = stage_at(context.store, READ)
    (first,) = read.plan().shard(0).slice(0, 1).select(["record_id", "etag", "file_size"]).to_pylist()
    store, _ = root_of(source, context.storage)
    try:
        key = key_of(first["record_id"])
        names = header_of(store, key, first["etag"], first["file_size"], source, "the first file").samples
    except (ObjectMissing, ObjectChanged):
        names = ()
    samples = sample_frame(names, source.sex, context.storage)
    if samples_digest(samples) != read.run.parts["state"]["samples"]:
        raise RefusedError(
            "the first file of input.uri, or input.sex, was changed since it was planned: restore it, then run again"
        )
    return samples
