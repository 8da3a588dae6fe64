"""PLINK files as a job sees them."""

from cluster.storage import StorageSettings
from schemas.spec import Compute
from workers.genomics.convert_plink.planning import PlinkFiles
from workers.genomics.convert_plink.settings import PlinkInput
from workers.genomics.table.collection import TableConversion


def open_collection(source: PlinkInput, storage: StorageSettings, compute: Compute) -> TableConversion:
    """The conversion of the PLINK files that the input names. Raises SpecError if they cannot be used."""
    files = PlinkFiles(source, storage)
    return TableConversion(source, files.uri, files.chunks, files.state)
