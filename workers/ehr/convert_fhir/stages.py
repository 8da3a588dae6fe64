"""The stages of a conversion from FHIR in a worker."""

from collections.abc import Iterator

import polars as pl

from cluster.storage import Store
from workers.ehr.convert_fhir.files import root_of
from workers.ehr.convert_fhir.lines import Line, lines_of_gzip, lines_of_range
from workers.ehr.convert_fhir.mapper import FhirMapper
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.meds.account_stage import MedsAccountStage
from workers.ehr.meds.chunks import Chunk
from workers.ehr.meds.metadata_stage import MetadataStage
from workers.ehr.meds.parts import Part, SubjectType
from workers.ehr.meds.read_stage import ReadStage
from workers.ehr.meds.sort_stage import SortStage
from workers.ehr.meds.subjects_stage import SubjectsStage
from workers.pipeline.context import StageContext

_MOST_LINES = 200_000
"""Lines in one part, however short they are: each takes about a kilobyte in memory."""


class FhirReader:
    """Implements `workers.ehr.meds.read_stage.ChunkReader`."""

    subject_type: SubjectType = pl.String

    def __init__(self, store: Store, source: FhirInput, rules: FhirRules) -> None:
        self._store = store
        self._source = source
        self._mapper = FhirMapper(rules)

    def parts(self, chunk: Chunk, size: int) -> Iterator[Part]:
        """The events of some lines of NDJSON at a time, and what became of each line."""
        held: list[Line] = []
        nbytes = 0
        for line in self._lines(chunk, size):
            held.append(line)
            nbytes += len(line.data)
            if nbytes >= self._source.chunk_bytes or len(held) >= _MOST_LINES:
                yield self._mapper.part(held, chunk.file)
                held, nbytes = [], 0
        if held:
            yield self._mapper.part(held, chunk.file)

    def _lines(self, chunk: Chunk, size: int) -> Iterator[Line]:
        source = self._source
        if chunk.key.endswith(".gz"):
            return lines_of_gzip(chunk.reader(self._store, size), source.max_line, source.max_inflated)
        return lines_of_range(
            lambda start, length: chunk.get(self._store, start, length), chunk.start, chunk.stop, source.max_line
        )


def read(context: StageContext) -> ReadStage:
    """Lines to events."""
    source = FhirInput.model_validate(context.run.spec.input)
    rules = FhirRules.model_validate(context.run.parts["state"]["rules"])
    return ReadStage(context, FhirReader(root_of(source, context.storage), source, rules))


def subjects(context: StageContext) -> SubjectsStage:
    """Numbers for patients."""
    return SubjectsStage(context)


def sort(context: StageContext) -> SortStage:
    """Files of the dataset."""
    return SortStage(context, True, context.run.spec.input.get("timezone"))


def metadata(context: StageContext) -> MetadataStage:
    """What is said of the dataset."""
    return MetadataStage(context, "fhir")


def account(context: StageContext) -> MedsAccountStage:
    """One row a resource."""
    return MedsAccountStage(context, text_ids=True)
