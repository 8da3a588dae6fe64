"""A first look at variants or sequences, for a spec."""

from collections.abc import Mapping
from typing import Any

from cluster.storage import StorageSettings, join, open_store, split
from workers.drafts import SUBJECTS, Draft, chosen, first_table
from workers.reading.listing import listed

_COLUMNS = {
    "sequence": ("sequence", "seq", "bases", "protein", "dna"),
    "record_id": ("record_id", "id", "name", "accession"),
    "subject_id": SUBJECTS,
}
_VCF = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
_FASTA = (".fa", ".fasta", ".fna", ".fa.gz", ".fasta.gz", ".fna.gz")


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """A VCF needs its reference, which often lies beside it; of a table, which columns hold what."""
    if uri.lower().endswith(_VCF):
        return Draft() if "reference" in given else _with_reference(uri, storage)
    if uri.lower().endswith(_FASTA):
        return Draft()
    table = first_table(uri, storage)
    keys: dict[str, Any] = chosen(table.columns, _COLUMNS)
    if table.delimiter is not None:
        keys["delimiter"] = table.delimiter
    return Draft(keys, [name for name in table.columns if name not in keys.values()])


def _with_reference(uri: str, storage: StorageSettings) -> Draft:
    store = open_store(split(uri)[0], storage)
    found = [info.key for info in listed(store, endings=_FASTA) if "/" not in info.key]
    if len(found) != 1:
        return Draft(remarks=["reference is the FASTA that the VCF is about: name it, or give --set reference=FILE"])
    return Draft({"reference": join(store.uri, found[0])}, remarks=["reference is the FASTA that lies beside the VCF"])
