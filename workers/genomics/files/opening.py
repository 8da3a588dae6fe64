"""Open genotypes by the format that a spec names."""

from collections.abc import Sequence
from typing import Literal

from cluster.storage import StorageSettings
from workers.genomics.files.bed import BedSource
from workers.genomics.files.fileset import FileVersion
from workers.genomics.files.pgen import PgenSource

PlinkFormat = Literal["bed", "pgen"]


def open_source(
    format: PlinkFormat, uri: str, storage: StorageSettings | None = None, planned: Sequence[FileVersion] = ()
) -> BedSource | PgenSource:
    """The genotypes at `uri`: the .bed or .pgen file, or its name without the ending, its text files beside it.

    `planned` are the `versions()` of the source that a plan was made from. Raises SpecError (a file is not there,
    damaged where its size or header shows it, or does not fit the others), ObjectChanged (not the planned files).
    """
    return BedSource(uri, storage, planned) if format == "bed" else PgenSource(uri, storage, planned)
