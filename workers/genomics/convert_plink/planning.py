"""PLINK and BGEN files cut into ranges of variants."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from cluster.storage import StorageSettings, split
from workers.genomics.convert_plink.settings import PlinkInput
from workers.genomics.files.fileset import versions_digest
from workers.genomics.files.joined import FileSource, Stretch, stretches_of
from workers.genomics.files.opening import open_source
from workers.genomics.kernels.codes import row_bytes
from workers.genomics.table.collection import samples_digest
from workers.genomics.table.layout import rows_of_part
from workers.genomics.table.records import Chunk


class PlinkFiles:
    """One set of files, or several that become one table; read once."""

    def __init__(self, source: PlinkInput, storage: StorageSettings) -> None:
        self._source = source
        self._storage = storage

    @property
    def uri(self) -> str:
        """Under which the files lie."""
        return self._source.uri if self._source.uri.endswith("/") else split(self._source.uri)[0]

    @cached_property
    def opened(self) -> FileSource:
        """The reader. Raises SpecError for files that cannot be used."""
        return open_source(self._source.format, self._source.uri, self._storage, how=self._source)

    def chunks(self) -> Iterator[Chunk]:
        """Ranges of variants, each of one file. A record with several alternatives is in one of them."""
        for place, stretch in enumerate(stretches_of(self.opened)):
            yield from self._chunks(place, stretch)

    def _chunks(self, place: int, stretch: Stretch) -> Iterator[Chunk]:
        main, records = stretch.main, self.opened.records()[stretch.first : stretch.last]
        samples = self.opened.samples().height
        part = rows_of_part(samples, self.opened.has_dosages)
        rows = part * max(1, self._source.chunk_bytes // (part * max(1, row_bytes(samples))))
        starts = np.arange(0, len(records), rows)
        cuts = [*np.searchsorted(records, records[starts]).tolist(), len(records)]
        for start, stop in pairwise(cuts):
            if start < stop:
                yield Chunk(
                    key=main.name,
                    etag=main.etag,
                    size=(stop - start) * row_bytes(samples),
                    kind=self._source.format,
                    file=place,
                    file_size=main.size,
                    start=stretch.first + start,
                    stop=stretch.first + stop,
                    first=stretch.first + start,
                )

    def state(self) -> Mapping[str, Any]:
        """What workers go by."""
        # No name of a file: a run file is no place for it.
        files = versions_digest(self.opened.versions())
        return {"samples": samples_digest(self.opened.samples()), "files": files}
