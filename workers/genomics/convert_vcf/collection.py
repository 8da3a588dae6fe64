"""VCF as a job sees it."""

from cluster.storage import StorageSettings
from schemas.spec import Compute
from workers.genomics.convert_vcf.files import VcfFiles
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.table.collection import TableConversion


def open_collection(source: VcfInput, storage: StorageSettings, compute: Compute) -> TableConversion:
    """The conversion of the VCF files that the input names. Raises SpecError if they cannot be used."""
    files = VcfFiles(source, storage)
    return TableConversion(source, files.uri, files.chunks, files.state)
