"""The lines and documents of an export as a worker reads them, in parts of bounded size."""

from collections.abc import Iterator

from cluster.storage import Store
from workers.ehr.convert_fhir.files import is_document
from workers.ehr.convert_fhir.lines import document, document_of_gzip, lines_of_gzip, lines_of_range
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.fhir.line import Line
from workers.ehr.meds.chunks import Chunk

_MOST_LINES = 200_000
"""Lines in one part, however short they are: each takes about a kilobyte in memory."""


class ExportLines:
    """Reads chunks. Raises ObjectMissing and ObjectChanged where the input is not what was planned."""

    def __init__(self, store: Store, source: FhirInput) -> None:
        self._store = store
        self._source = source

    def parts(self, chunk: Chunk, size: int) -> Iterator[list[Line]]:
        """Every line of a chunk once, in order."""
        held: list[Line] = []
        nbytes = 0
        for line in self._lines(chunk, size):
            held.append(line)
            nbytes += len(line.data)
            if nbytes >= self._source.chunk_bytes or len(held) >= _MOST_LINES:
                yield held
                held, nbytes = [], 0
        if held:
            yield held

    def _lines(self, chunk: Chunk, size: int) -> Iterator[Line]:
        source = self._source

        def fetch(start: int, length: int) -> bytes:
            return chunk.get(self._store, start, length)

        if is_document(chunk.key):
            if chunk.key.lower().endswith(".gz"):
                reader = chunk.reader(self._store, size)
                return iter([document_of_gzip(reader, source.max_document, source.max_inflated)])
            return iter([document(fetch, size, source.max_document)])
        if chunk.key.lower().endswith(".gz"):
            return lines_of_gzip(chunk.reader(self._store, size), source.max_line, source.max_inflated)
        return lines_of_range(fetch, chunk.start, chunk.stop, source.max_line)
