"""The stages of a conversion from FHIR in a worker."""

from collections.abc import Callable, Iterator

import polars as pl

from workers.ehr.convert_fhir.export import ExportLines
from workers.ehr.convert_fhir.files import root_of
from workers.ehr.convert_fhir.known import KnownByFile
from workers.ehr.convert_fhir.mapper import FhirMapper, Known, vocabulary_of
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.convert_fhir.scan_stage import ResourceScan
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.fhir.versions import SEEN, superseded
from workers.ehr.meds.account_stage import MedsAccountStage
from workers.ehr.meds.chunks import Chunk
from workers.ehr.meds.metadata_stage import MetadataStage
from workers.ehr.meds.parts import Part, SubjectType
from workers.ehr.meds.read_stage import ReadStage
from workers.ehr.meds.sort_stage import SortStage
from workers.ehr.meds.subjects_stage import SubjectsStage
from workers.ehr.meds.versions_stage import VersionsStage
from workers.pipeline.context import StageContext


class FhirReader:
    """Implements `workers.ehr.meds.read_stage.ChunkReader`."""

    subject_type: SubjectType = pl.String

    def __init__(self, lines: ExportLines, mapper: FhirMapper, known: Callable[[int], Known]) -> None:
        self._lines = lines
        self._mapper = mapper
        self._known = known

    def parts(self, chunk: Chunk, size: int) -> Iterator[Part]:
        """The events of some lines at a time, and what became of each record in them."""
        known = self._known(chunk.file)
        for lines in self._lines.parts(chunk, size):
            yield self._mapper.part(lines, chunk.file, known)


def scan(context: StageContext) -> ResourceScan:
    """Which resources there are."""
    rules = _rules(context)
    return ResourceScan(context, _lines(context), rules.defines, vocabulary_of(rules))


def versions(context: StageContext) -> VersionsStage:
    """Which of several records of one resource counts."""
    return VersionsStage(context, SEEN, superseded)


def read(context: StageContext) -> ReadStage:
    """Lines to events."""
    mapper = FhirMapper(_rules(context), _source(context).codes)
    return ReadStage(context, FhirReader(_lines(context), mapper, KnownByFile(context.store).of))


def subjects(context: StageContext) -> SubjectsStage:
    """Numbers for patients."""
    return SubjectsStage(context)


def sort(context: StageContext) -> SortStage:
    """Files of the dataset."""
    return SortStage(context, True, _source(context).timezone)


def metadata(context: StageContext) -> MetadataStage:
    """What is said of the dataset."""
    return MetadataStage(context, "fhir")


def account(context: StageContext) -> MedsAccountStage:
    """One row a resource."""
    return MedsAccountStage(context, text_ids=True)


def _source(context: StageContext) -> FhirInput:
    return FhirInput.model_validate(context.run.spec.input)


def _rules(context: StageContext) -> FhirRules:
    return FhirRules.model_validate(context.run.parts["state"]["rules"])


def _lines(context: StageContext) -> ExportLines:
    source = _source(context)
    return ExportLines(root_of(source, context.storage), source)
