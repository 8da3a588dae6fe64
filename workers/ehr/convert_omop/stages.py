"""The stages of a conversion from OMOP in a worker."""

from collections.abc import Callable, Iterator

import polars as pl

from cluster.storage import Store
from workers.ehr.convert_omop.concepts import load_concepts
from workers.ehr.convert_omop.files import CONCEPT, root_of
from workers.ehr.convert_omop.mapper import OmopMapper
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.scan_stage import RowScan
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.convert_omop.tables import table_rows
from workers.ehr.convert_omop.versions import SEEN, superseded
from workers.ehr.meds.account_stage import MedsAccountStage
from workers.ehr.meds.chunks import Chunk, chunk_of
from workers.ehr.meds.metadata_stage import MetadataStage
from workers.ehr.meds.parts import Part, SubjectType
from workers.ehr.meds.read_stage import ReadStage
from workers.ehr.meds.sort_stage import SortStage
from workers.ehr.meds.versions_stage import SupersededByFile, VersionsStage
from workers.pipeline.context import StageContext


class OmopReader:
    """Implements `workers.ehr.meds.read_stage.ChunkReader`."""

    subject_type: SubjectType = pl.Int64

    def __init__(
        self,
        store: Store,
        source: OmopInput,
        rules: OmopRules,
        concepts: list[tuple[Chunk, int]],
        superseded: Callable[[int], pl.DataFrame],
    ) -> None:
        self._store = store
        self._source = source
        self._rules = rules
        self._concepts = concepts
        self._superseded = superseded
        self._mapper: OmopMapper | None = None

    def parts(self, chunk: Chunk, size: int) -> Iterator[Part]:
        """The events of some rows of a table at a time. Concepts are no records of anybody: they have no part."""
        if chunk.kind == CONCEPT or chunk.kind is None:
            return
        if self._mapper is None:
            concepts = load_concepts(self._store, self._concepts, self._source)
            self._mapper = OmopMapper(self._rules, concepts, self._source.codes)
        wanted = self._mapper.wanted(chunk.kind)
        for rows in table_rows(self._store, chunk, size, wanted, self._source, with_others=True):
            yield self._mapper.part(chunk.kind, rows, chunk.file, self._superseded(chunk.file))


def scan(context: StageContext) -> RowScan:
    """Which rows there are."""
    source = _source(context)
    return RowScan(context, root_of(source, context.storage), source, _rules(context))


def versions(context: StageContext) -> VersionsStage:
    """Which of several rows with one key counts."""
    return VersionsStage(context, SEEN, superseded)


def read(context: StageContext) -> ReadStage:
    """Rows to events."""
    source = _source(context)
    known = SupersededByFile(context.store)
    reader = OmopReader(root_of(source, context.storage), source, _rules(context), _concepts(context), known.of)
    return ReadStage(context, reader)


def _source(context: StageContext) -> OmopInput:
    return OmopInput.model_validate(context.run.spec.input)


def _rules(context: StageContext) -> OmopRules:
    return OmopRules.model_validate(context.run.parts["state"]["rules"])


def _concepts(context: StageContext) -> list[tuple[Chunk, int]]:
    """The files of the concept table as they were planned: the first shards of the plan."""
    found: list[tuple[Chunk, int]] = []
    for records in context.plan.shards():
        (row,) = records.to_pylist()
        if row["kind"] != CONCEPT:
            break
        found.append((chunk_of(row), row["size"]))
    return found


def sort(context: StageContext) -> SortStage:
    """Files of the dataset."""
    return SortStage(context, False, context.run.spec.input.get("timezone"))


def metadata(context: StageContext) -> MetadataStage:
    """What is said of the dataset."""
    return MetadataStage(context, "omop")


def account(context: StageContext) -> MedsAccountStage:
    """One row a row."""
    return MedsAccountStage(context, text_ids=False)
