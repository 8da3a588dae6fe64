"""Open genotypes by the format that a spec names."""

from collections.abc import Callable

from cluster.storage import ObjectChanged, StorageSettings
from workers.genomics.files.bed import BedSource
from workers.genomics.files.bgen import BgenSource
from workers.genomics.files.fileset import versions_digest
from workers.genomics.files.filesets import named_sets
from workers.genomics.files.joined import FileSource, open_joined
from workers.genomics.files.pgen import PgenSource
from workers.genomics.files.settings import BgenSettings


def open_source(
    format: str,
    uri: str,
    storage: StorageSettings | None = None,
    planned: str | None = None,
    how: BgenSettings | None = None,
) -> FileSource:
    """The genotypes at `uri`: the .bed, .pgen or .bgen file, or its name without the ending, what belongs to it beside
    it; or several of them (`workers.genomics.files.filesets`), as one.

    `planned` is the digest of the `versions()` of the source that a plan was made from. Raises SpecError (a file is
    not there, damaged where its size or header shows it, or does not fit the others), ObjectChanged (not the
    planned files).
    """
    opened: dict[str, Callable[[str], FileSource]] = {
        "bed": lambda one: BedSource(one, storage),
        "pgen": lambda one: PgenSource(one, storage),
        "bgen": lambda one: BgenSource(one, storage, how=how),
    }
    source = open_joined(named_sets(format, uri, storage), opened[format])
    if planned is not None and planned != versions_digest(source.versions()):
        source.close()
        raise ObjectChanged
    return source
