"""PLINK files cut into ranges of variants."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from cluster.storage import StorageSettings, split
from workers.genomics.convert_plink.settings import PlinkInput
from workers.genomics.files.bed import BedSource
from workers.genomics.files.fileset import FileVersion
from workers.genomics.files.opening import open_source
from workers.genomics.files.pgen import PgenSource
from workers.genomics.kernels.codes import row_bytes
from workers.genomics.table.collection import samples_digest
from workers.genomics.table.layout import rows_of_part
from workers.genomics.table.records import Chunk


class PlinkFiles:
    """One set of files, read once."""

    def __init__(self, source: PlinkInput, storage: StorageSettings) -> None:
        self._source = source
        self._storage = storage

    @property
    def uri(self) -> str:
        """Under which the files lie."""
        return split(self._source.uri)[0]

    @cached_property
    def opened(self) -> BedSource | PgenSource:
        """The reader. Raises SpecError for files that cannot be used."""
        return open_source(self._source.format, self._source.uri, self._storage)

    def chunks(self) -> Iterator[Chunk]:
        """Ranges of variants. A record with several alternatives is in one of them."""
        main = self.opened.versions()[0]
        records = self.opened.records()
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
                    file=0,
                    file_size=main.size,
                    start=start,
                    stop=stop,
                    first=start,
                )

    def state(self) -> Mapping[str, Any]:
        """What workers go by."""
        files = [[file.name, file.size, file.etag] for file in self.opened.versions()]
        return {"samples": samples_digest(self.opened.samples()), "files": files}


def planned_files(state: Mapping[str, Any]) -> list[FileVersion]:
    """The files that the plan was made from."""
    return [FileVersion(*file) for file in state["files"]]
